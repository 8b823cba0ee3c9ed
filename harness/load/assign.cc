#include "harness/load/prepare.h"

namespace loadpath {
namespace {

LoadResult LoadAssign(const LoadRequest& request) { return LoadWhole(request, "assign", /*assign=*/true); }

}  // namespace

const LoadPath assign_path = {.name = "assign",
                              .summary = "read into fresh tensors that become the parameters",
                              .limit = "pread-fresh",
                              .load = LoadAssign,
                              .keeps_dtypes = true};

}  // namespace loadpath
