#include "harness/inspect/value_lines.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "harness/base/keyed_hash.h"
#include "harness/base/text.h"
#include "harness/checkpoint/limits.h"
#include "harness/inspect/numpy_text.h"

namespace loadpath {
namespace {

constexpr std::size_t kLongestScalar = 100;
constexpr std::size_t kDeepest = 32;
constexpr std::size_t kOnOneLine = 12;  // elements of a sequence or array
// A table or list inside another of more entries shows only its first ones.
constexpr std::size_t kLongTable = 24, kShownOfLongTable = 4;
// Bytes that may be spent on paths, and on long values beyond their first place: they are in the file once.
constexpr std::uint64_t kPathBytes = std::uint64_t{64} << 20, kRepeatedBytes = std::uint64_t{16} << 20;

bool IsCollection(const Tree& tree, NodeId id) {
  const NodeKind kind = tree.kind(id);
  return tree.IsSequence(id) || kind == NodeKind::kSet || kind == NodeKind::kFrozenSet;
}

// A value that is still to be listed, or a line that stands for `hidden` values.
struct Place {
  NodeId node = kNoNode;
  std::size_t depth = 0;
  std::uint32_t path = 0;  // into Lister's names
  std::size_t hidden = 0;
};

// Lists the values of one tree, from one place or several. All share the limits.
class Lister {
 public:
  Lister(const Tree& tree, std::size_t limit, Detail detail, bool attributes)
      : tree_(tree),
        limit_(limit),
        detail_(detail),
        attributes_(attributes),
        steps_(limits::kWalkSteps + 16 * tree.size()),
        scalars_(tree.size(), Scalars::kUnknown),
        shown_(tree.size()) {}

  bool full() const { return values_.more; }

  // Gives the items of a dict other names; those without one are not listed.
  void NameTop(NodeId dict, std::span<const std::optional<std::string>> names) {
    top_ = dict;
    top_names_ = names;
  }

  void List(NodeId from, std::string prefix) {
    prefix_ = std::move(prefix);
    names_ = {{}};
    std::vector<Place>().swap(stack_);
    stack_.push_back({from, 0, 0, 0});
    while (!stack_.empty() && !values_.more) {
      if (values_.lines.size() >= limit_ || !Step(1)) {
        values_.more = true;
        break;
      }
      const Place place = stack_.back();
      stack_.pop_back();
      if (place.hidden > 0) {
        const std::optional<std::string> path = PathOf(place);
        const std::string how = attributes_ ? "--json" : "--print " + path.value_or("");
        if (path) Add(*path, "… " + std::to_string(place.hidden) + " more (" + how + " shows all)");
      } else if (tree_.kind(place.node) != NodeKind::kTensor) {
        List(place);
      }
    }
  }

  ValueLines Take() { return std::move(values_); }

 private:
  enum class Scalars : std::uint8_t { kUnknown, kAlone, kAndMore };
  // One element of a path: item number `position` of `owner`.
  struct PathName {
    std::uint32_t parent = 0;
    NodeId owner = kNoNode;
    std::uint32_t position = 0;
  };
  static constexpr std::uint32_t kState = ~std::uint32_t{0};
  struct Entry {
    NodeId value;
    std::uint32_t position;
  };

  bool Step(std::uint64_t count) {
    if (count > steps_) return false;
    steps_ -= count;
    return true;
  }

  void Add(std::string path, std::string text) { values_.lines.push_back({std::move(path), std::move(text)}); }

  std::string NameOf(const PathName& name) const {
    if (name.position == kState) return "state";
    if (!tree_.IsDict(name.owner)) return std::to_string(name.position);
    if (name.owner == top_ && name.parent == 0) return Escaped(top_names_[name.position / 2].value());
    return Escaped(tree_.KeyText(tree_.items(name.owner)[name.position]));
  }

  // Joins the path of a place. If paths have cost too much, says so in `more` and returns nullopt.
  std::optional<std::string> PathOf(const Place& place) {
    std::vector<std::string> parts;
    std::uint64_t size = prefix_.size();
    for (std::uint32_t at = place.path; at != 0 && size <= path_bytes_; at = names_[at].parent) {
      parts.push_back(NameOf(names_[at]));
      size += parts.back().size() + 1;
    }
    if (size > path_bytes_) {
      values_.more = true;
      return std::nullopt;
    }
    path_bytes_ -= size;
    std::string path = prefix_;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      path += (part == parts.rbegin() && prefix_.empty() ? "" : ".") + *part;
    }
    return path.empty() && !parts.empty() ? "''" : path;  // the empty key is not the root
  }

  // Returns true if a value that takes `size` bytes may be written whole. `first` says if it is its first place.
  bool MayBeWhole(bool first, std::uint64_t size) {
    if (detail_ != Detail::kWhole) return false;
    if (first || size <= kLongestScalar) return true;
    if (size > repeated_bytes_) return false;
    repeated_bytes_ -= size;
    return true;
  }
  bool Shown(NodeId id) {
    const bool before = shown_[id];
    shown_[id] = true;
    return before;
  }
  // Several values may be one text of the file.
  bool MayBeWhole(std::string_view text) {
    const bool first =
        text.size() > kLongestScalar && texts_.insert(reinterpret_cast<std::uintptr_t>(text.data())).second;
    return MayBeWhole(first, text.size());
  }

  std::string ScalarText(NodeId id) {
    if (!tree_.text(id).empty() && MayBeWhole(tree_.text(id))) return Escaped(tree_.WholeText(id));
    std::string text = Escaped(tree_.ShortText(id));
    if (detail_ == Detail::kShort && text.size() > kLongestScalar) {
      std::size_t cut = kLongestScalar;
      while ((static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
      text.resize(cut);
      text += "…";
    }
    return text;
  }

  // Returns true if a sequence or set holds nothing but scalars. Looks into each once.
  bool HoldsScalars(NodeId id) {
    Scalars& known = scalars_[id];
    if (known == Scalars::kUnknown) {
      const auto items = tree_.items(id);
      const bool alone = std::all_of(items.begin(), items.end(), [&](NodeId item) {
        return tree_.kind(item) != NodeKind::kTensor && !tree_.IsDict(item) && !IsCollection(tree_, item) &&
               tree_.kind(item) != NodeKind::kObject;
      });
      known = alone ? Scalars::kAlone : Scalars::kAndMore;
    }
    return known == Scalars::kAlone;
  }

  // "[0, 1, 2, … 60 in all]" for a sequence or set of scalars.
  std::string OnOneLine(NodeId id) {
    const auto items = tree_.items(id);
    std::string_view open = "[", close = "]";
    if (tree_.kind(id) == NodeKind::kTuple) open = "(", close = items.size() == 1 ? ",)" : ")";
    if (tree_.kind(id) == NodeKind::kSize) open = "torch.Size([", close = "])";
    if (tree_.kind(id) == NodeKind::kSet) open = items.empty() ? "set(" : "{", close = items.empty() ? ")" : "}";
    if (tree_.kind(id) == NodeKind::kFrozenSet) open = "frozenset({", close = "})";
    const std::size_t shown =
        MayBeWhole(!Shown(id), 8 * items.size()) ? items.size() : std::min(items.size(), kOnOneLine);
    std::string line(open);
    for (std::size_t i = 0; i < shown; ++i) {
      if (i) line += ", ";
      line += ScalarText(items[i]);
    }
    if (shown < items.size()) line += ", … " + std::to_string(items.size()) + " in all";
    return line.append(close);
  }

  bool TakesOneLine(NodeId id) {
    const bool state = tree_.attributes(id) != kNoNode && tree_.HasState(id);
    if (tree_.IsDict(id)) return tree_.items(id).empty() && !state;
    if (IsCollection(tree_, id)) return !state && HoldsScalars(id);
    if (tree_.kind(id) != NodeKind::kObject) return true;
    return (tree_.items(id).empty() && !state) || NumpyLine(id, 0).has_value();
  }

  // nullopt also if the elements are no numbers and everything is to be shown: they are listed as the object's state.
  std::optional<std::string> NumpyLine(NodeId id, std::size_t most) const {
    if (detail_ == Detail::kWhole && !IsNumpyOfNumbers(tree_, id)) return std::nullopt;
    return NumpyText(tree_, id, most);
  }

  // The text of a value that takes one line.
  std::string OneLine(NodeId id) {
    if (tree_.IsDict(id)) return "{}";
    if (IsCollection(tree_, id)) return OnOneLine(id);
    if (tree_.kind(id) != NodeKind::kObject || !NumpyLine(id, 0)) return ScalarText(id);
    const std::uint64_t size = NumpyBytes(tree_, id);
    return *NumpyLine(id, MayBeWhole(!Shown(id), 4 * size) ? size : kOnOneLine);
  }

  void List(const Place& place) {
    const bool one_line = TakesOneLine(place.node);
    // An empty dict at the top has nothing to list.
    if (one_line && place.depth == 0 && tree_.IsDict(place.node)) return;
    const bool too_deep = !one_line && detail_ == Detail::kShort && place.depth >= kDeepest;
    if (one_line || too_deep) {
      std::optional<std::string> path = PathOf(place);
      if (path) Add(std::move(*path), too_deep ? ScalarText(place.node) : OneLine(place.node));
      return;
    }
    if (tree_.kind(place.node) == NodeKind::kObject) {
      std::optional<std::string> path = PathOf(place);
      if (!path) return;
      const auto [first, is_new] = objects_.emplace(place.node, *path);
      std::string text = ScalarText(place.node);
      if (!is_new) text += first->second.empty() ? " (the whole)" : ", the same as " + first->second;
      Add(std::move(*path), std::move(text));
      if (!is_new) return;
    }
    std::vector<Entry> inside = Inside(place);
    std::size_t hidden = 0;
    if (detail_ == Detail::kShort) {
      // Values of one line first; those of a long table or list are counted instead of listed.
      std::stable_partition(inside.begin(), inside.end(),
                            [&](const Entry& entry) { return TakesOneLine(entry.value); });
      if (place.depth > 0 && inside.size() > kLongTable) {
        hidden = inside.size() - kShownOfLongTable;
        inside.resize(kShownOfLongTable);
      }
    }
    if (hidden > 0) stack_.push_back({kNoNode, place.depth, place.path, hidden});
    for (auto entry = inside.rbegin(); entry != inside.rend(); ++entry) {
      names_.push_back({place.path, place.node, entry->position});
      stack_.push_back({entry->value, place.depth + 1, static_cast<std::uint32_t>(names_.size() - 1), 0});
    }
  }

  std::vector<Entry> Inside(const Place& place) {
    const std::span<const NodeId> items = tree_.items(place.node);
    const bool dict = tree_.IsDict(place.node);
    std::vector<Entry> inside;
    if (!Step(items.size())) {
      values_.more = true;
      return inside;
    }
    for (std::size_t i = 0; i < items.size(); i += dict ? 2 : 1) {
      const NodeId value = items[dict ? i + 1 : i];
      // Tensors give no line.
      if (tree_.kind(value) == NodeKind::kTensor) continue;
      if (attributes_ && place.depth == 0 && dict && tree_.text(items[i]) == "_metadata") continue;
      if (place.node == top_ && place.path == 0 && !top_names_[i / 2]) continue;
      // What lies beyond the limit of lines need not be laid on the stack.
      if (detail_ == Detail::kWhole && inside.size() > limit_) break;
      inside.push_back({value, static_cast<std::uint32_t>(i)});
    }
    if (tree_.HasState(place.node)) inside.push_back({tree_.attributes(place.node), kState});
    return inside;
  }

  const Tree& tree_;
  const std::size_t limit_;
  const Detail detail_;
  const bool attributes_;
  std::uint64_t steps_, path_bytes_ = kPathBytes, repeated_bytes_ = kRepeatedBytes;
  ValueLines values_;
  std::string prefix_;
  NodeId top_ = kNoNode;
  std::span<const std::optional<std::string>> top_names_;
  std::vector<PathName> names_;  // the first stands for `prefix_`
  std::vector<Place> stack_;
  std::vector<Scalars> scalars_;
  std::vector<bool> shown_;
  HashSet<std::uintptr_t> texts_;         // the long ones that were shown, by their places in memory
  HashMap<NodeId, std::string> objects_;  // listed, and where: objects may hold each other
};

}  // namespace

ValueLines ListValues(const Tree& tree, NodeId from, std::size_t limit, Detail detail,
                      std::span<const std::optional<std::string>> names) {
  Lister lister(tree, limit, detail, /*attributes=*/false);
  if (!names.empty()) lister.NameTop(from, names);
  lister.List(from, "");
  return lister.Take();
}

ValueLines ListAttributes(const Tree& tree, NodeId root, std::size_t limit) {
  Lister lister(tree, limit, Detail::kShort, /*attributes=*/true);
  std::vector<bool> seen(tree.size());
  tree.Walk(root, [&](const std::vector<std::string>& path, NodeId node) {
    if (lister.full()) return false;
    // Walk lists an object's state itself.
    const NodeId owned = tree.HasState(node) ? kNoNode : tree.attributes(node);
    if (owned == kNoNode || seen[owned]) return true;
    seen[owned] = true;
    lister.List(owned, DottedPath(path));
    return true;
  });
  return lister.Take();
}

void AppendValueLines(std::string& out, const ValueLines& values) {
  Table table({Align::kLeft, Align::kLeft});
  for (const ValueLine& line : values.lines) table.Add({line.path.empty() ? "(itself)" : line.path, line.text});
  table.AppendTo(out, "  ");
  if (values.more) out += "  … and more (--json shows all)\n";
}

std::size_t CountValues(const Tree& tree, NodeId from) {
  std::vector<bool> seen(tree.size(), false);
  std::vector<NodeId> stack = {from};
  std::size_t count = 0;
  while (!stack.empty()) {
    const NodeId id = stack.back();
    stack.pop_back();
    if (seen[id] || tree.kind(id) == NodeKind::kTensor) continue;
    seen[id] = true;
    const bool dict = tree.IsDict(id);
    if (!dict && !IsCollection(tree, id)) {
      ++count;
      continue;
    }
    const auto items = tree.items(id);
    for (std::size_t i = dict ? 1 : 0; i < items.size(); i += dict ? 2 : 1) stack.push_back(items[i]);
  }
  return count;
}

}  // namespace loadpath
