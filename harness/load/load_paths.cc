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
      {"pickle_load", "torch::pickle_load, LibTorch's own, then copy (for comparison)", "pread", LoadPickle},
      {"jit_load", "torch::jit::load, LibTorch's own, then copy (for comparison)", "pread", LoadJit,
       /*runs_code=*/true},
  }};
  return kPaths;
}

const LoadPath* FindLoadPath(std::string_view name) {
  const auto found = std::ranges::find(LoadPaths(), name, &LoadPath::name);
  return found == LoadPaths().end() ? nullptr : &*found;
}

}  // namespace loadpath
