#ifndef LOADPATH_HARNESS_MEASURE_FRESH_PROCESS_H_
#define LOADPATH_HARNESS_MEASURE_FRESH_PROCESS_H_

#include <string>
#include <vector>

namespace loadpath {

struct ProcessResult {
  int status = 0;      ///< exit status; 128 + the signal if one ended it
  std::string output;  ///< all of standard output; standard error is passed through
};

/// Runs a program to its end. Throws std::runtime_error if it cannot be started.
ProcessResult RunProcess(const std::vector<std::string>& arguments);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_FRESH_PROCESS_H_
