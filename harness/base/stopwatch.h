#ifndef LOADPATH_HARNESS_BASE_STOPWATCH_H_
#define LOADPATH_HARNESS_BASE_STOPWATCH_H_

#include <cstdint>
#include <ctime>
#include <utility>

namespace loadpath {

/// CLOCK_MONOTONIC in nanoseconds: the same clock in every process of the machine.
inline std::int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

/// Measures consecutive phases.
class Stopwatch {
 public:
  /// Starts now, or at an earlier MonotonicNs().
  explicit Stopwatch(std::int64_t start = MonotonicNs()) : start_(start) {}

  /// Returns the seconds since the start or the last call.
  double Lap() {
    const std::int64_t now = MonotonicNs();
    return static_cast<double>(now - std::exchange(start_, now)) * 1e-9;
  }

 private:
  std::int64_t start_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_STOPWATCH_H_
