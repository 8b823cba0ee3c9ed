#ifndef LOADPATH_HARNESS_MEASURE_RUN_LOCK_H_
#define LOADPATH_HARNESS_MEASURE_RUN_LOCK_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/measure/scoped_fd.h"

namespace loadpath {

/// Tells runs that measure at the same time of each other. Every run shares a lock (flock) on the same folders for as
/// long as this lives. No file is made: a folder that cannot be written will do. A folder that is not there, or that
/// its filesystem does not lock, is left out.
class RunLock {
 public:
  explicit RunLock(const std::vector<std::string>& folders);

  /// Returns true if another run had one of the locks when this one began.
  bool not_alone() const { return not_alone_; }
  /// Returns the processes that share one of the locks now, in ascending order. Those of other containers cannot be
  /// seen.
  std::vector<int> Others() const;

 private:
  std::vector<std::unique_ptr<ScopedFd>> locked_;
  bool not_alone_ = false;
};

/// Returns the processes that hold a flock on something that `own` holds one on, in ascending order and without `own`.
/// `locks`: the text of /proc/locks.
std::vector<int> SharersOfLocks(std::string_view locks, int own);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_RUN_LOCK_H_
