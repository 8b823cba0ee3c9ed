#include "harness/load/prepare.h"

namespace loadpath {
namespace {

LoadResult Load(const LoadRequest& request) {
  if (request.device != at::kCPU) return LoadStaged(request);
  LoadResult result;
  const Prepared prepared = Prepare(request, "copy", /*assign=*/false, result);
  Stopwatch watch;
  AddCosts(ApplyCopy(*prepared.checkpoint, prepared.tensors, request.read), result);
  Finish(result);
  result.seconds.load = watch.Lap();
  return result;
}

}  // namespace

const LoadPath load_paths::copy = {.name = "copy",
                                   .summary = "read through a window, copy into the parameters",
                                   .limit = "pread",
                                   .load = Load,
                                   .keeps_memory = true};

}  // namespace loadpath
