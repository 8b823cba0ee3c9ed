#ifndef LOADPATH_HARNESS_BASE_PROGRAM_H_
#define LOADPATH_HARNESS_BASE_PROGRAM_H_

#include <string>

namespace loadpath {

/// Returns the path of the running program, links resolved. Throws std::runtime_error if /proc is not mounted.
std::string ProgramPath();

/// Returns the folder that the running program lies in, without a slash at its end.
std::string ProgramFolder();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_PROGRAM_H_
