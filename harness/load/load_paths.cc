#include <algorithm>
#include <array>

#include "harness/load/prepare.h"

namespace loadpath {

std::span<const LoadPath> LoadPaths() {
  static const std::array<LoadPath, 6> kPaths = {{
      {"copy", "read through a window, copy into the parameters", "pread", LoadCopy},
      {"direct", "read straight into the parameters' memory", "pread", LoadDirect},
      {"assign", "read into fresh tensors that become the parameters", "pread", LoadAssign},
      {"mmap", "map the file; the mapping becomes the parameters", "mmap", LoadMmap},
      {.name = "pickle_load",
       .summary = "torch::pickle_load, LibTorch's own, then copy (for comparison)",
       .limit = "pread",
       .load = LoadPickle,
       .input = LoadInput::kPlainDict,
       .libtorch_reader = "torch::pickle_load"},
      {.name = "jit_load",
       .summary = "torch::jit::load, LibTorch's own, then copy (for comparison)",
       .limit = "pread",
       .load = LoadJit,
       .runs_code = true,
       .input = LoadInput::kTorchScript,
       .libtorch_reader = "torch::jit::load"},
  }};
  return kPaths;
}

const LoadPath* FindLoadPath(std::string_view name) {
  const auto found = std::ranges::find(LoadPaths(), name, &LoadPath::name);
  return found == LoadPaths().end() ? nullptr : &*found;
}

}  // namespace loadpath
