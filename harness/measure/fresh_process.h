#ifndef LOADPATH_HARNESS_MEASURE_FRESH_PROCESS_H_
#define LOADPATH_HARNESS_MEASURE_FRESH_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loadpath {

/// A new process that answers one line for one line. Its standard error is passed through. It is ended with this
/// object, however that ends.
class FreshProcess {
 public:
  /// Throws std::runtime_error if it cannot be started.
  explicit FreshProcess(const std::vector<std::string>& arguments);
  ~FreshProcess();
  FreshProcess(const FreshProcess&) = delete;
  FreshProcess& operator=(const FreshProcess&) = delete;

  /// MonotonicNs() just before it was started.
  std::int64_t started_at() const { return started_at_; }
  /// Writes `line` with a newline and returns the line of the answer, without its newline. Throws std::runtime_error
  /// with one line: it took longer than `limit_seconds`, ended without an answer (with which status), or answered with
  /// more than 256 MiB. It is ended then, and cannot be asked again.
  std::string Ask(std::string_view line, double limit_seconds);
  /// Closes its standard input, waits for its end and returns its exit status; 128 + signal where one ended it. Throws
  /// as Ask if it takes too long.
  int End(double limit_seconds);

 private:
  [[noreturn]] void Fail(const std::string& what);
  [[noreturn]] void FailForTime(double limit_seconds);
  void AwaitEnd(int milliseconds, double limit_seconds);
  int Wait(bool kill_first);

  std::string program_;
  std::int64_t started_at_ = 0;
  pid_t id_ = 0;
  int input_ = -1, output_ = -1;
  std::string read_;  ///< what it wrote beyond the lines that were returned
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_FRESH_PROCESS_H_
