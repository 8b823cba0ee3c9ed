#ifndef LOADPATH_HARNESS_LOAD_PREPARE_H_
#define LOADPATH_HARNESS_LOAD_PREPARE_H_

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/load/load_path.h"

namespace loadpath {

LoadResult LoadCopy(const LoadRequest& request);
LoadResult LoadDirect(const LoadRequest& request);
LoadResult LoadAssign(const LoadRequest& request);
LoadResult LoadMmap(const LoadRequest& request);
LoadResult LoadPickle(const LoadRequest& request);
LoadResult LoadJit(const LoadRequest& request);

/// Reads into pinned memory and copies from there to request.device, whatever device that is.
LoadResult LoadStaged(const LoadRequest& request);

/// What all paths begin with: the file opened and the load planned whole. Fills in the keys, the report, the bytes and
/// the seconds of both.
struct Prepared {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::vector<PlannedTensor> tensors;
};
Prepared Prepare(const LoadRequest& request, bool assign, LoadResult& result);

/// Tensors that a path cannot take, with the reasons.
class Fallback {
 public:
  void Add(const PlannedTensor& planned, std::string_view reason);
  std::span<const PlannedTensor> tensors() const { return tensors_; }
  /// Writes "copy: 2 of another dtype, 1 strided" and the count into the result.
  void Report(std::string_view path, LoadResult& result) const;

 private:
  std::vector<PlannedTensor> tensors_;
  std::map<std::string, int, std::less<>> reasons_;
};

void Add(const ReadReport& report, ReadReport& sum);

class Stopwatch {
 public:
  /// Seconds since construction or the last call.
  double Lap();

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_PREPARE_H_
