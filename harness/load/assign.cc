#include "harness/load/prepare.h"

namespace loadpath {
namespace {

LoadResult Load(const LoadRequest& request) {
  if (request.device != at::kCPU) return LoadStaged(request);
  LoadResult result;
  const Prepared prepared = Prepare(request, "assign", /*assign=*/true, result);
  Stopwatch watch;
  AddCosts(ApplyAssign(*prepared.checkpoint, prepared.tensors, request.read), result);
  Finish(result);
  result.seconds.load = watch.Lap();
  return result;
}

}  // namespace

const LoadPath load_paths::assign = {
    .name = "assign", .summary = "read into fresh tensors that become the parameters", .limit = "pread", .load = Load};

}  // namespace loadpath
