#include "harness/load/prepare.h"

namespace loadpath {
namespace {

LoadResult Load(const LoadRequest& request) { return LoadWhole(request, "copy", /*assign=*/false); }

}  // namespace

const LoadPath load_paths::copy = {.name = "copy",
                                   .summary = "read through a window, copy into the parameters",
                                   .limit = "pread",
                                   .load = Load,
                                   .keeps_memory = true};

}  // namespace loadpath
