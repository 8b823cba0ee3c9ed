#include "harness/checkpoint/dict_part.h"

#include "loadpath/error.h"

namespace loadpath {
namespace {

bool HasKeysUnder(const Tree& tree, NodeId dict, std::string_view prefix) {
  const auto items = tree.items(dict);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (tree.kind(items[i]) == NodeKind::kString && tree.text(items[i]).starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

DictPart FindDictPart(const Checkpoint& checkpoint, std::string_view key_path) {
  try {
    return {.node = FollowKeyPath(checkpoint, key_path), .path = std::string(key_path)};
  } catch (const CheckpointError& error) {
    if (error.code() != ErrorCode::kKeyPath) throw;
    const Tree& tree = checkpoint.tree();
    std::string_view rest = key_path;
    while (!rest.empty()) {
      const std::size_t dot = rest.rfind('.');
      rest = rest.substr(0, dot == std::string_view::npos ? 0 : dot);
      const std::string prefix = std::string(key_path.substr(rest.empty() ? 0 : rest.size() + 1)) + ".";
      try {
        const NodeId dict = FollowKeyPath(checkpoint, rest);
        if (tree.IsDict(dict) && HasKeysUnder(tree, dict, prefix)) return {dict, std::string(rest), prefix};
      } catch (const CheckpointError&) {
        continue;  // not this far either
      }
    }
    throw;
  }
}

}  // namespace loadpath
