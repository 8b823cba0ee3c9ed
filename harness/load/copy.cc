#include "harness/load/prepare.h"

namespace loadpath {
namespace {

LoadResult LoadCopy(const LoadRequest& request) { return LoadWhole(request, "copy", /*assign=*/false); }

}  // namespace

const LoadPath copy_path = {.name = "copy",
                            .summary = "read through a window, copy into the parameters",
                            .limit = "pread-fresh",
                            .load = LoadCopy};

}  // namespace loadpath
