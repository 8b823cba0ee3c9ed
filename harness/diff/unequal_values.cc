#include "harness/diff/unequal_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "harness/base/keyed_hash.h"
#include "harness/base/text.h"
#include "harness/checkpoint/limits.h"

namespace loadpath {
namespace {

constexpr std::size_t kLongestKey = 200;

bool SameReal(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

class Comparer {
 public:
  Comparer(const ValueSide& a, const ValueSide& b)
      : side_a_(a),
        side_b_(b),
        a_(a.tree),
        b_(b.tree),
        empty_a_(a_.size()),
        empty_b_(b_.size()),
        steps_(limits::kWalkSteps + 16 * (a_.size() + b_.size())) {}

  std::optional<UnequalValue> Find() {
    Push(side_a_.root, side_b_.root, 0, "", Keys::kStateDict);
    while (!open_.empty() && !found_) {
      const Pair pair = open_.back();
      open_.pop_back();
      if (compared_.insert(std::uint64_t{pair.a} << 32 | pair.b).second) Compare(pair);
    }
    if (!found_) return std::nullopt;
    return UnequalValue{PathOf(found_->at), found_->a, found_->b};
  }

  // The storages that were met.
  std::vector<StoragePair> Storages() const {
    std::vector<StoragePair> storages;
    for (const Pair& pair : storages_) storages.push_back({PathOf(pair.at), pair.a, pair.b});
    return storages;
  }

 private:
  // What the keys of two dicts are, and so what a mapping of keys means for them.
  enum class Keys : std::uint8_t { kPlain, kStateDict, kMetadata };
  struct PathName {
    std::size_t parent = 0;
    std::string text;
  };
  struct Pair {
    NodeId a, b;
    std::size_t at;  // into names_
    Keys keys = Keys::kPlain;
  };

  std::string PathOf(std::size_t at) const {
    std::vector<std::string> path;
    for (; at != 0; at = names_[at].parent) path.push_back(names_[at].text);
    std::reverse(path.begin(), path.end());
    return DottedPath(path);
  }

  void Spend(std::uint64_t steps) {
    if (steps > steps_)
      throw CheckpointError(ErrorCode::kLimitExceeded, a_.file(),
                            "shares its values so often that they cannot be compared");
    steps_ -= steps;
  }

  std::size_t NameAt(std::size_t parent, std::string text) {
    if (text.size() > kLongestKey) text.resize(kLongestKey);
    names_.push_back({parent, std::move(text)});
    return names_.size() - 1;
  }

  // Either node may be kNoNode: nothing is there. Tensors are compared by their keys, elsewhere.
  void Push(NodeId x, NodeId y, std::size_t parent, const std::string& name, Keys keys = Keys::kPlain) {
    Spend(1);
    const bool none_x = x == kNoNode || a_.kind(x) == NodeKind::kTensor;
    const bool none_y = y == kNoNode || b_.kind(y) == NodeKind::kTensor;
    if (none_x && none_y) return;
    const std::size_t at = open_.empty() && names_.empty() ? NameAt(0, "") : NameAt(parent, name);
    if (!none_x && !none_y) {
      open_.push_back({x, y, at, keys});
    } else if (none_x ? HoldsValues(b_, y, empty_b_) : HoldsValues(a_, x, empty_a_)) {
      found_ = {none_x ? kNoNode : x, none_y ? kNoNode : y, at};
    }
  }

  // Returns true if there is a value in or below `node` that is no tensor and no container of tensors alone.
  bool HoldsValues(const Tree& tree, NodeId node, std::vector<bool>& empty) {
    std::vector<NodeId> open = {node};
    while (!open.empty()) {
      const NodeId id = open.back();
      open.pop_back();
      if (tree.kind(id) == NodeKind::kTensor || empty[id]) continue;
      empty[id] = true;
      const auto items = tree.items(id);
      if (items.empty() || tree.kind(id) == NodeKind::kObject || tree.HasState(id)) return true;
      const std::size_t width = tree.IsDict(id) ? 2 : 1;
      for (std::size_t i = width - 1; i < items.size(); i += width) open.push_back(items[i]);
    }
    return false;
  }

  bool SameScalar(NodeId x, NodeId y) {
    switch (a_.kind(x)) {
      case NodeKind::kBool:
        return a_.boolean(x) == b_.boolean(y);
      case NodeKind::kInt:
        return a_.integer(x) == b_.integer(y);
      case NodeKind::kFloat:
        return SameReal(a_.real(x), b_.real(y));
      case NodeKind::kComplex:
        return SameReal(a_.real(x), b_.real(y)) && SameReal(a_.imag(x), b_.imag(y));
      default:
        return a_.text(x) == b_.text(y);  // empty of a kind without text
    }
  }

  void Compare(const Pair& pair) {
    const auto& [x, y, at, keys] = pair;
    const bool dicts = a_.IsDict(x) && b_.IsDict(y), sequences = a_.IsSequence(x) && b_.IsSequence(y);
    if (!dicts && !sequences && (a_.kind(x) != b_.kind(y) || !SameScalar(x, y))) {
      found_ = pair;
      return;
    }
    if (a_.kind(x) == NodeKind::kStorage) storages_.push_back(pair);
    if (dicts) {
      CompareDicts(x, y, at, keys);
    } else if (a_.IsContainer(x)) {
      const auto items_a = a_.items(x), items_b = b_.items(y);
      for (std::size_t i = 0; i < std::max(items_a.size(), items_b.size()) && !found_; ++i) {
        Push(i < items_a.size() ? items_a[i] : kNoNode, i < items_b.size() ? items_b[i] : kNoNode, at,
             std::to_string(i));
      }
    }
    if (found_) return;
    if (a_.HasState(x) || b_.HasState(y)) {
      Push(a_.HasState(x) ? a_.attributes(x) : kNoNode, b_.HasState(y) ? b_.attributes(y) : kNoNode, at, "state");
    } else if (a_.attributes(x) != kNoNode && b_.attributes(y) != kNoNode) {
      CompareAttributes(a_.attributes(x), b_.attributes(y), at, keys);
    }
  }

  // safetensors has no _metadata: an attribute that one side lacks does not differ. Its own __metadata__ says what
  // wrote the file ("format": "pt") and is no part of what the file holds.
  void CompareAttributes(NodeId x, NodeId y, std::size_t at, Keys keys) {
    if (!a_.IsDict(x) || !b_.IsDict(y)) return;
    HashMap<std::string_view, NodeId> in_b;
    const auto items = a_.items(x), others = b_.items(y);
    for (std::size_t i = 0; i < others.size(); i += 2) {
      if (b_.kind(others[i]) == NodeKind::kString) in_b.emplace(b_.text(others[i]), others[i + 1]);
    }
    for (std::size_t i = 0; i < items.size() && !found_; i += 2) {
      if (a_.kind(items[i]) != NodeKind::kString || a_.text(items[i]) == "__metadata__") continue;
      const auto other = in_b.find(a_.text(items[i]));
      if (other == in_b.end()) continue;
      const bool metadata = keys == Keys::kStateDict && a_.text(items[i]) == "_metadata";
      Push(items[i + 1], other->second, at, a_.KeyText(items[i]), metadata ? Keys::kMetadata : Keys::kPlain);
    }
  }

  std::string Key(const Tree& tree, NodeId key) {
    Spend(tree.text(key).size() / 16);
    if (tree.kind(key) == NodeKind::kString) return TextKey(tree.text(key));
    return std::to_string(static_cast<int>(tree.kind(key))) + tree.WholeText(key);
  }
  static std::string TextKey(std::string_view text) {
    return std::to_string(static_cast<int>(NodeKind::kString)) + std::string(text);
  }

  struct Item {
    std::string key;
    std::size_t at;  // into the dict's items
  };

  static std::vector<std::optional<std::string>> ModulesOf(const ValueSide& side, std::span<const NodeId> items) {
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < items.size(); i += 2) paths.push_back(side.tree.KeyText(items[i]));
    return side.mapping->MapModules(paths);
  }

  std::vector<Item> Items(const ValueSide& side, NodeId dict, Keys keys) {
    const Tree& tree = side.tree;
    const std::span<const NodeId> items = tree.items(dict);
    std::vector<std::optional<std::string>> modules;
    std::span<const std::optional<std::string>> names;
    if (keys == Keys::kStateDict) names = side.names;
    if (keys == Keys::kMetadata && side.mapping != nullptr) names = modules = ModulesOf(side, items);
    std::vector<Item> named;
    for (std::size_t i = 0; i < items.size(); i += 2) {
      if (names.empty()) {
        named.push_back({Key(tree, items[i]), i});
      } else if (names[i / 2]) {
        named.push_back({TextKey(*names[i / 2]), i});
      }
    }
    return named;
  }

  void CompareDicts(NodeId dict_a, NodeId dict_b, std::size_t at, Keys keys) {
    const std::span<const NodeId> x = a_.items(dict_a), y = b_.items(dict_b);
    HashMap<std::string, std::vector<std::size_t>> in_y;  // the last of each list comes first
    std::vector<Item> items_y = Items(side_b_, dict_b, keys);
    for (auto item = items_y.rbegin(); item != items_y.rend(); ++item) in_y[std::move(item->key)].push_back(item->at);
    for (const auto& [key, i] : Items(side_a_, dict_a, keys)) {
      if (found_) return;
      const auto other = in_y.find(key);
      if (other == in_y.end() || other->second.empty()) {
        Push(x[i + 1], kNoNode, at, a_.KeyText(x[i]));
        continue;
      }
      const std::size_t j = other->second.back();
      other->second.pop_back();
      if (a_.IsContainer(x[i])) Push(x[i], y[j], at, a_.KeyText(x[i]));
      if (!found_) Push(x[i + 1], y[j + 1], at, a_.KeyText(x[i]));
    }
    for (const auto& [key, rest] : in_y) {
      for (const std::size_t j : rest) {
        if (!found_) Push(kNoNode, y[j + 1], at, b_.KeyText(y[j]));
      }
    }
  }

  const ValueSide &side_a_, &side_b_;
  const Tree &a_, &b_;
  std::vector<bool> empty_a_, empty_b_;  // looked into, and found to hold no value
  std::uint64_t steps_;
  HashSet<std::uint64_t> compared_;
  std::vector<PathName> names_;
  std::vector<Pair> open_, storages_;
  std::optional<Pair> found_;
};

}  // namespace

std::optional<UnequalValue> FindUnequalValue(const ValueSide& a, const ValueSide& b,
                                             std::vector<StoragePair>* storages) {
  Comparer comparer(a, b);
  std::optional<UnequalValue> found = comparer.Find();
  if (storages != nullptr) *storages = comparer.Storages();
  return found;
}

}  // namespace loadpath
