#include "harness/checkpoint/formats/dcp/state_dict_builder.h"

#include "harness/checkpoint/limits.h"

namespace loadpath {

std::uint32_t StateDictBuilder::Open(bool is_list) {
  levels_.push_back({heap_.Growing(is_list ? NodeKind::kList : NodeKind::kDict), is_list, {}, {}});
  return static_cast<std::uint32_t>(levels_.size() - 1);
}

// Finds the slot of a key, and makes one if there is none.
std::string_view StateDictBuilder::SlotOf(std::uint32_t number, const Key& key, std::uint64_t& slot) {
  Level& level = levels_[number];
  std::vector<Value>& items = heap_.lists[heap_.object(level.value).begin];
  if (key.is_index != level.is_list) return "has a path that uses a dict as a list or a list as a dict";
  if (key.is_index) {
    if (key.index < 0) return "has a path with a negative position";
    slot = static_cast<std::uint64_t>(key.index);
    if (slot >= items.size()) {
      gaps_ += slot - items.size();
      if (gaps_ > limits::kListGaps + 16 * put_) return "has a path to a position far behind the end of its list";
      items.resize(slot + 1);
    }
    return {};
  }
  key_bytes_ += key.text.size();
  if (key_bytes_ > limits::kWalkSteps + 16 * put_ + name_bytes_)
    return "has a path whose keys are far longer than its name";
  const auto [found, added] = level.slots.emplace(key.text, static_cast<std::uint32_t>(level.slots.size()));
  slot = found->second;
  if (added) {
    items.push_back(heap_.OwnedText(std::string(key.text)));
    items.emplace_back();
  }
  return {};
}

std::string_view StateDictBuilder::Put(const Tree& tree, NodeId path, std::string_view name, Value value) {
  std::vector<Key> keys;
  if (path == kNoNode) {
    keys.push_back({name});
  } else {
    if (!tree.IsSequence(path)) return "has a path that is not a tuple";
    for (const NodeId item : tree.items(path)) {
      const NodeKind kind = tree.kind(item);
      if (kind != NodeKind::kString && kind != NodeKind::kInt)
        return "has a path with an element that is neither str nor int";
      keys.push_back(kind == NodeKind::kString ? Key{tree.text(item)} : Key{{}, tree.integer(item), true});
    }
    if (keys.empty()) return "has an empty path";
  }
  ++put_;
  name_bytes_ += name.size();
  std::uint32_t level = 0;
  for (std::size_t i = 0;; ++i) {
    std::uint64_t slot = 0;
    if (const std::string_view problem = SlotOf(level, keys[i], slot); !problem.empty()) return problem;
    const bool last = i + 1 == keys.size();
    const auto found = levels_[level].below.find(slot);
    const bool there = found != levels_[level].below.end();
    if (there && (last || found->second == kLeaf)) return "has a path that another value already uses";
    if (there) {
      level = found->second;
      continue;
    }
    const std::uint32_t next = last ? kLeaf : Open(keys[i + 1].is_index);
    levels_[level].below.emplace(slot, next);
    std::vector<Value>& items = heap_.lists[heap_.object(levels_[level].value).begin];
    items[levels_[level].is_list ? slot : 2 * slot + 1] = last ? value : levels_[next].value;
    if (last) return {};
    level = next;
  }
}

}  // namespace loadpath
