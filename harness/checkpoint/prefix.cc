#include "harness/checkpoint/prefix.h"

#include <algorithm>

#include "harness/base/keyed_hash.h"

namespace loadpath {

std::vector<KeptKey> RemovePrefix(std::span<const std::string> keys, std::string_view prefix, KeyKind kind) {
  std::string module_path(prefix);
  std::erase(module_path, '.');
  const auto has_prefix = [&](const std::string& key) {
    return key.starts_with(prefix) || (kind == KeyKind::kMetadata && !key.empty() && key == module_path);
  };
  std::vector<std::optional<KeptKey>> left;
  HashMap<std::string, std::size_t> places;  // into `left`
  for (std::size_t i = 0; i < keys.size(); ++i) {
    left.push_back(KeptKey{keys[i], i});
    places.emplace(keys[i], i);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!has_prefix(keys[i])) continue;
    const std::size_t item = left[i]->item;
    left[i].reset();
    places.erase(keys[i]);
    std::string key = keys[i].substr(std::min(prefix.size(), keys[i].size()));
    if (const auto [place, inserted] = places.emplace(key, left.size()); inserted) {
      left.push_back(KeptKey{std::move(key), item});
    } else {
      left[place->second]->item = item;
    }
  }
  std::vector<KeptKey> kept;
  for (std::optional<KeptKey>& one : left) {
    if (one) kept.push_back(std::move(*one));
  }
  return kept;
}

std::vector<std::optional<std::string>> NamesWithoutPrefix(const Tree& tree, NodeId dict, std::string_view prefix,
                                                           KeyKind kind) {
  const std::span<const NodeId> items = tree.items(dict);
  std::vector<std::optional<std::string>> names(items.size() / 2);
  std::vector<std::string> keys;
  std::vector<std::size_t> item_of;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (tree.kind(items[2 * i]) == NodeKind::kString) {
      keys.emplace_back(tree.text(items[2 * i]));
      item_of.push_back(i);
    } else {
      names[i] = tree.KeyText(items[2 * i]);
    }
  }
  for (KeptKey& kept : RemovePrefix(keys, prefix, kind)) names[item_of[kept.item]] = std::move(kept.key);
  return names;
}

}  // namespace loadpath
