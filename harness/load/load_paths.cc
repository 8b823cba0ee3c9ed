#include <algorithm>
#include <vector>

#include "harness/load/prepare.h"

namespace loadpath {

std::span<const LoadPath> LoadPaths() {
  static const std::vector<LoadPath> all = {
#define LOAD_PATH(name) name##_path,
#include "harness/load/load_paths.inc"
#undef LOAD_PATH
  };
  return all;
}

const LoadPath* FindLoadPath(std::string_view name) {
  const auto found = std::ranges::find(LoadPaths(), name, &LoadPath::name);
  return found == LoadPaths().end() ? nullptr : &*found;
}

}  // namespace loadpath
