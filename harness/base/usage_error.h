#ifndef LOADPATH_HARNESS_BASE_USAGE_ERROR_H_
#define LOADPATH_HARNESS_BASE_USAGE_ERROR_H_

#include <stdexcept>

namespace loadpath {

/// Bad use of a command line: what() is the one line for standard error, and the exit status is 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_USAGE_ERROR_H_
