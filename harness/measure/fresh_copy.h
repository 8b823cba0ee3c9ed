#ifndef LOADPATH_HARNESS_MEASURE_FRESH_COPY_H_
#define LOADPATH_HARNESS_MEASURE_FRESH_COPY_H_

#include <span>
#include <string>
#include <vector>

namespace loadpath {

/// A copy of a checkpoint beside it, on the same disk, which goes with this object.
class FreshCopy {
 public:
  /// `root`: the checkpoint's file or folder. `files`: all of its files. Throws std::runtime_error, with the reason, if
  /// it cannot be made.
  FreshCopy(const std::string& root, std::span<const std::string> files);
  ~FreshCopy();
  FreshCopy(const FreshCopy&) = delete;
  FreshCopy& operator=(const FreshCopy&) = delete;

  const std::string& root() const { return root_; }
  const std::vector<std::string>& files() const { return files_; }

 private:
  std::string folder_, root_;
  std::vector<std::string> files_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_FRESH_COPY_H_
