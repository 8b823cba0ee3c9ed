#ifndef LOADPATH_HARNESS_LOAD_PREPARE_H_
#define LOADPATH_HARNESS_LOAD_PREPARE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/stopwatch.h"
#include "harness/load/load_path.h"
#include "harness/state/own_writes.h"

namespace loadpath {

// Each is defined by the file of its name.
#define LOAD_PATH(name) extern const LoadPath name##_path;
#include "harness/load/load_paths.inc"
#undef LOAD_PATH

/// Reads into pinned memory and copies from there to `request.device`, whatever device that is. Every path of our own
/// comes here for a device other than the CPU.
LoadResult LoadStaged(const LoadRequest& request);

struct Prepared {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::vector<PlannedTensor> tensors;
  /// As long as it is there, the path's writes to the module run no recorded fill.
  std::optional<OwnWrites> own_writes = OwnWrites();
};

/// Opens the file and plans the whole load; every path starts here. `path` is the name of the algorithm that runs.
/// Fills in the result's keys, report, byte counts and timings of both.
Prepared Prepare(const LoadRequest& request, std::string_view path, bool assign, LoadResult& result);

/// A whole load on the CPU by one of apply.h's functions: all that the paths copy and assign are.
LoadResult LoadWhole(const LoadRequest& request, std::string_view path, bool assign);

/// Bytes of the module's tensors, one that has two keys counted twice.
std::uint64_t TargetBytes(std::span<const PlannedTensor> tensors);

/// Why bytes cannot go straight from the file into the tensor's memory; empty if they can.
std::string_view ObstacleToReading(const TensorView& view, const at::Tensor& target);

/// Reads into the tensors' own memory, on the CPU, as `direct` does; what cannot be read so is copied.
void ReadInto(std::span<const PlannedTensor> tensors, const Checkpoint& checkpoint, const ReadOptions& options,
              LoadResult& result);

/// Tells autograd that a tensor was written. Inference tensors have no version to tell it by.
inline void BumpVersion(const at::Tensor& tensor) {
  if (!tensor.is_inference()) tensor.unsafeGetTensorImpl()->bump_version();
}

/// Ends a load that succeeded; every path ends here. Forgets the recorded fills of the loaded tensors.
void Finish(const LoadResult& result);

/// Adds what a read or a copy cost.
void AddCosts(const ReadReport& report, LoadResult& result);
void AddCosts(const ApplyReport& report, LoadResult& result);

/// How many tensors there are for a reason.
using ReasonCounts = std::map<std::string, int, std::less<>>;
/// "2 of another dtype, 1 strided"
std::string Text(const ReasonCounts& reasons);

/// Collects the tensors that a path cannot load itself, and why.
class Fallback {
 public:
  void Add(const PlannedTensor& planned, std::string_view reason);
  std::span<const PlannedTensor> tensors() const { return tensors_; }
  /// Writes "copy: 2 of another dtype, 1 strided" and the count into the result.
  void Report(std::string_view path, LoadResult& result) const;

 private:
  std::vector<PlannedTensor> tensors_;
  ReasonCounts reasons_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_PREPARE_H_
