#ifndef LOADPATH_HARNESS_MEASURE_FRESH_PROCESS_H_
#define LOADPATH_HARNESS_MEASURE_FRESH_PROCESS_H_

#include <string>
#include <vector>

namespace loadpath {

struct ProcessResult {
  int status = 0;      ///< exit status; 128 + signal where one ended it
  std::string output;  ///< standard output, whole; standard error is passed through
};

/// Runs a program to its end. Throws std::runtime_error if it cannot be started, or if it takes longer than
/// `limit_seconds` (0: no limit): it is killed then.
ProcessResult RunProcess(const std::vector<std::string>& arguments, double limit_seconds = 0);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_FRESH_PROCESS_H_
