#include "harness/checkpoint/prefix.h"

#include <algorithm>

#include "harness/base/keyed_hash.h"
#include "harness/base/text.h"

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
    left.emplace_back(KeptKey{keys[i], i});
    places.emplace(keys[i], i);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!has_prefix(keys[i])) continue;
    const std::size_t item = left[i]->item;
    left[i].reset();
    places.erase(keys[i]);
    std::string key = keys[i].substr(std::min(prefix.size(), keys[i].size()));
    if (const auto [place, inserted] = places.emplace(key, left.size()); inserted) {
      left.emplace_back(KeptKey{std::move(key), item});
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

std::string PrefixProblem(const Tree& tree, NodeId dict, std::string_view prefix) {
  const std::vector<std::optional<std::string>> names = NamesWithoutPrefix(tree, dict, prefix, KeyKind::kStateDict);
  const std::span<const NodeId> items = tree.items(dict);
  for (std::size_t i = 0; i < items.size(); i += 2) {
    if (tree.kind(items[i]) == NodeKind::kString) continue;
    return "has a key that is not text, " + Escaped(tree.KeyText(items[i])) +
           ": --prefix is for the names of a state dict; name that with --key";
  }
  const auto lost = std::ranges::find_if(names, [](const auto& name) { return !name; });
  if (lost == names.end()) return "";
  const std::string key(tree.text(items[2 * static_cast<std::size_t>(lost - names.begin())]));
  return "has both " + Escaped(key) + " and " + Escaped(std::string(prefix) + key) + ": --prefix " + Escaped(prefix) +
         " would put one in the place of the other; leave --prefix out, or rename one in Python first";
}

}  // namespace loadpath
