#include "harness/load/prepare.h"

namespace loadpath {

LoadResult LoadAssign(const LoadRequest& request) {
  if (request.device != at::kCPU) return LoadStaged(request);
  LoadResult result;
  const Prepared prepared = Prepare(request, /*assign=*/true, result);
  Stopwatch watch;
  const ApplyReport report = ApplyAssign(*prepared.checkpoint, prepared.tensors, request.read);
  Add(report.read, result.read);
  result.bytes_copied = report.bytes_copied;
  result.seconds.load = watch.Lap();
  return result;
}

}  // namespace loadpath
