#ifndef LOADPATH_HARNESS_RESULTS_SAMPLE_H_
#define LOADPATH_HARNESS_RESULTS_SAMPLE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace loadpath {

/// What a load costs that no clock has a part in, by the field of the results: bytes, bytes_read, bytes_copied,
/// bytes_mapped, allocations, bytes_allocated, read_calls. A cost that is not known is absent.
using ExactCosts = std::map<std::string, std::uint64_t>;

/// What a case cost once. Times are in nanoseconds, sizes in bytes; what does not apply is empty.
struct Sample {
  std::int64_t wall_ns = 0;
  std::int64_t cpu_ns = 0;                          ///< of all threads, user and system
  std::map<std::string, std::int64_t> phases_ns{};  ///< their sum is wall_ns
  ExactCosts costs{};
  std::optional<std::uint64_t> minor_faults{}, major_faults{}, peak_extra_bytes{};
  std::optional<std::uint64_t> peak_bytes{};  ///< of the resident memory of a process that was started for it
  /// The part of the files, 0 to 1, that lay in the page cache just before the clock started, and after it stopped.
  std::optional<double> residency_before{}, residency_after{};
  /// How fast fresh memory could be touched just before, bytes per second: a host that had taken the memory back shows.
  std::optional<double> touch_rate{};

  std::uint64_t round = 0, position = 0;  ///< of the schedule: in which round, and as which sample of the run
  bool valid = true;                      ///< memory was as the case says; a sample that is not valid is dropped
  bool checked = false;                   ///< the answer of this very sample was compared
};

/// Returns seconds in whole nanoseconds, at least 1: a clock may not have advanced.
inline std::int64_t Ns(double seconds) { return std::max<std::int64_t>(1, std::llround(seconds * 1e9)); }

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_RESULTS_SAMPLE_H_
