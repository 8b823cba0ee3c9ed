#include "harness/load/prepare.h"

namespace loadpath {
namespace {

LoadResult LoadCopy(const LoadRequest& request) { return LoadWhole(request, "copy", /*assign=*/false); }

}  // namespace

const LoadPath load_paths::copy = {.name = "copy",
                                   .summary = "read through a window, copy into the parameters",
                                   .limit = "pread-fresh",
                                   .load = LoadCopy,
                                   .keeps_memory = true};

}  // namespace loadpath
