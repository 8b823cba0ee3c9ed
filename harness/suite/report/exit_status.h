#ifndef LOADPATH_HARNESS_SUITE_REPORT_EXIT_STATUS_H_
#define LOADPATH_HARNESS_SUITE_REPORT_EXIT_STATUS_H_

#include <span>
#include <string>
#include <vector>

#include "harness/suite/run.h"

namespace loadpath {

/// What a run ended with. docs/measuring.md has the table for users.
struct ExitStatus {
  int code = 0;
  std::vector<std::string> messages = {};  ///< for standard error: why it is not 0, a line each
};

/// Returns 130 after an interrupt; 2 if the user's own files were all bad input and nothing else was asked for; 1 if a
/// case was wrong or failed, if nothing was timed, or if a case was skipped that is expected to run: its reference data
/// are missing, it is a load by a path of our own, or `filter` has its full name. What LibTorch's readers refuse,
/// a file that PyTorch cannot make of the model, a device that --device all does not find and a limit that this machine
/// has not are no fault of a run that timed others.
ExitStatus ExitStatusOf(std::span<Run* const> asked, const std::string& filter, bool interrupted);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_REPORT_EXIT_STATUS_H_
