#include "harness/inspect/state_dict_places.h"

#include <span>
#include <vector>

namespace loadpath {
namespace {

constexpr std::size_t kMostNamed = 8;

bool IsOptimizerState(const std::vector<std::string>& path) {
  const auto is_number = [](const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  };
  return path.size() >= 2 && path[path.size() - 2] == "state" && is_number(path.back());
}

}  // namespace

std::string StateDictPlaces(const Tree& tree, NodeId from, const FileAndKey& name) {
  std::vector<std::string> places;
  std::size_t count = 0;
  tree.Walk(from, [&](const std::vector<std::string>& path, NodeId node) {
    if (path.empty() || !tree.IsDict(node)) return true;
    const std::string key = (name.key.empty() ? "" : name.key + ".") + KeyPath(path);
    // What lies under the empty key alone has no key path. What an optimizer has of one parameter ("state.0") is none.
    if (key.empty() || IsOptimizerState(path)) return true;
    const std::span<const NodeId> items = tree.items(node);
    for (std::size_t i = 1; i < items.size(); i += 2) {
      if (tree.kind(items[i]) != NodeKind::kTensor) continue;
      if (++count > kMostNamed) return false;
      places.push_back(KeyArgument(name, key));
      return false;
    }
    return true;
  });
  std::string text;
  for (const std::string& place : places) text += (text.empty() ? "" : " or ") + place;
  return count > kMostNamed ? text + " or " + std::to_string(count - kMostNamed) + " more" : text;
}

}  // namespace loadpath
