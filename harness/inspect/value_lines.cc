#include "harness/inspect/value_lines.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "harness/base/text.h"
#include "harness/inspect/numpy_text.h"

namespace loadpath {
namespace {

constexpr std::size_t kLongestScalar = 100;
constexpr std::size_t kDeepest = 32;
constexpr std::size_t kOnOneLine = 12;     // elements of a sequence or array
constexpr std::size_t kWholeArray = 1000;  // elements of an array
// A table or list inside another of more entries shows only its first ones.
constexpr std::size_t kLongTable = 24, kShownOfLongTable = 4;

bool IsCollection(const Tree& tree, NodeId id) {
  const NodeKind kind = tree.kind(id);
  return tree.IsSequence(id) || kind == NodeKind::kSet || kind == NodeKind::kFrozenSet;
}

std::string ScalarText(const Tree& tree, NodeId id, Detail detail) {
  std::string text = Escaped(tree.ShortText(id));
  if (detail == Detail::kShort && text.size() > kLongestScalar) {
    std::size_t cut = kLongestScalar;
    while ((static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
    text.resize(cut);
    text += "…";
  }
  return text;
}

// "[0, 1, 2, … 60 in all]" for a sequence or set of scalars, nullopt for one that holds anything else.
std::optional<std::string> OnOneLine(const Tree& tree, NodeId id, Detail detail) {
  const auto items = tree.items(id);
  const bool scalars = std::all_of(items.begin(), items.end(), [&](NodeId item) {
    return tree.kind(item) != NodeKind::kTensor && !tree.IsDict(item) && !IsCollection(tree, item) &&
           tree.kind(item) != NodeKind::kObject;
  });
  if (!scalars) return std::nullopt;
  std::string_view open = "[", close = "]";
  if (tree.kind(id) == NodeKind::kTuple) open = "(", close = items.size() == 1 ? ",)" : ")";
  if (tree.kind(id) == NodeKind::kSize) open = "torch.Size([", close = "])";
  if (tree.kind(id) == NodeKind::kSet) open = items.empty() ? "set(" : "{", close = items.empty() ? ")" : "}";
  if (tree.kind(id) == NodeKind::kFrozenSet) open = "frozenset({", close = "})";
  const std::size_t shown = detail == Detail::kWhole ? items.size() : std::min(items.size(), kOnOneLine);
  std::string line(open);
  for (std::size_t i = 0; i < shown; ++i) {
    if (i) line += ", ";
    line += ScalarText(tree, items[i], detail);
  }
  if (shown < items.size()) line += ", … " + std::to_string(items.size()) + " in all";
  return line.append(close);
}

// A value that is still to be listed, or a line that stands for some.
struct Place {
  NodeId node = kNoNode;
  std::size_t depth = 0;
  std::string path;
  std::optional<std::string> line;
};

// The text of a value that takes one line, nullopt for one that takes more.
std::optional<std::string> OneLine(const Tree& tree, NodeId id, Detail detail) {
  if (tree.HasState(id) && tree.kind(id) != NodeKind::kObject) return std::nullopt;
  if (tree.IsDict(id)) return tree.items(id).empty() ? std::optional<std::string>("{}") : std::nullopt;
  if (IsCollection(tree, id)) return OnOneLine(tree, id, detail);
  if (tree.kind(id) != NodeKind::kObject) return ScalarText(tree, id, detail);
  const std::size_t most = detail == Detail::kWhole ? kWholeArray : kOnOneLine;
  if (std::optional<std::string> array = NumpyText(tree, id, most)) return array;
  const bool plain = tree.items(id).empty() && tree.attributes(id) == kNoNode;
  return plain ? std::optional(ScalarText(tree, id, detail)) : std::nullopt;
}

class Lister {
 public:
  Lister(const Tree& tree, std::size_t limit, Detail detail) : tree_(tree), limit_(limit), detail_(detail) {}

  ValueLines List(NodeId from) {
    stack_.push_back({from, 0, "", std::nullopt});
    // Every step takes one value off the stack; their number bounds what values that are shared many times can cost.
    for (std::size_t steps = 0; !stack_.empty(); ++steps) {
      if (values_.lines.size() >= limit_ || steps > 2 * tree_.size() + limit_) {
        values_.more = true;
        break;
      }
      Place place = std::move(stack_.back());
      stack_.pop_back();
      if (place.line) {
        values_.lines.push_back({std::move(place.path), std::move(*place.line)});
      } else if (tree_.kind(place.node) != NodeKind::kTensor) {
        List(place);
      }
    }
    return std::move(values_);
  }

 private:
  void List(const Place& place) {
    std::optional<std::string> line = OneLine(tree_, place.node, detail_);
    // An empty dict at the top has nothing to list.
    if (line && place.depth == 0 && tree_.IsDict(place.node)) return;
    if (!line && place.depth >= kDeepest) line = ScalarText(tree_, place.node, detail_);
    if (line) {
      values_.lines.push_back({place.path, std::move(*line)});
      return;
    }
    if (tree_.kind(place.node) == NodeKind::kObject) {
      const auto [first, is_new] = objects_.emplace(place.node, place.path);
      std::string text = ScalarText(tree_, place.node, detail_);
      if (!is_new) text += first->second.empty() ? " (the whole)" : ", the same as " + first->second;
      values_.lines.push_back({place.path, std::move(text)});
      if (!is_new) return;
    }
    std::vector<Place> inside = Inside(place);
    if (detail_ == Detail::kShort) Shorten(place, inside);
    std::move(inside.rbegin(), inside.rend(), std::back_inserter(stack_));
  }

  std::vector<Place> Inside(const Place& place) const {
    const std::string prefix = place.path.empty() ? "" : place.path + ".";
    const std::span<const NodeId> items = tree_.items(place.node);
    const bool dict = tree_.IsDict(place.node);
    std::vector<Place> inside;
    for (std::size_t i = 0; i < items.size(); i += dict ? 2 : 1) {
      const NodeId value = items[dict ? i + 1 : i];
      // Tensors give no line.
      if (tree_.kind(value) == NodeKind::kTensor) continue;
      // What lies beyond the limit of lines need not be laid on the stack.
      if (detail_ == Detail::kWhole && inside.size() > limit_) break;
      inside.push_back({value, place.depth + 1, prefix + (dict ? Escaped(tree_.KeyText(items[i])) : std::to_string(i)),
                        std::nullopt});
    }
    if (tree_.HasState(place.node))
      inside.push_back({tree_.attributes(place.node), place.depth + 1, prefix + "state", std::nullopt});
    return inside;
  }

  // Puts values of one line first, and counts those of a long table or list instead of listing them.
  void Shorten(const Place& place, std::vector<Place>& inside) const {
    std::ranges::stable_partition(inside,
                                  [&](const Place& one) { return OneLine(tree_, one.node, detail_).has_value(); });
    if (place.depth == 0 || inside.size() <= kLongTable) return;
    const std::size_t hidden = inside.size() - kShownOfLongTable;
    inside.resize(kShownOfLongTable);
    inside.push_back({kNoNode, place.depth, place.path,
                      "… " + std::to_string(hidden) + " more (--print " + place.path + " shows all)"});
  }

  const Tree& tree_;
  const std::size_t limit_;
  const Detail detail_;
  ValueLines values_;
  std::vector<Place> stack_;
  std::unordered_map<NodeId, std::string> objects_;  // listed, and where: objects may hold each other
};

}  // namespace

ValueLines ListValues(const Tree& tree, NodeId from, std::size_t limit, Detail detail) {
  return Lister(tree, limit, detail).List(from);
}

void AppendValueLines(std::string& out, const ValueLines& values) {
  Table table({Align::kLeft, Align::kLeft});
  const bool several = values.lines.size() > 1;
  for (const ValueLine& line : values.lines)
    table.Add({line.path.empty() && several ? "(itself)" : line.path, line.text});
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
