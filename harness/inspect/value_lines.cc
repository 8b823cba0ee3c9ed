#include "harness/inspect/value_lines.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "harness/base/text.h"

namespace loadpath::ckpt {
namespace {

constexpr std::size_t kLongestScalar = 100;
constexpr std::size_t kDeepest = 32;
constexpr std::size_t kOnOneLine = 12;  // elements of a sequence

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

struct Place {
  NodeId node;
  std::size_t depth;
  std::string path;
};

}  // namespace

ValueLines ListValues(const Tree& tree, NodeId from, std::size_t limit, Detail detail) {
  ValueLines values;
  std::vector<Place> stack = {{from, 0, ""}};
  // Every step takes one value off the stack; their number bounds what values shared many times can cost.
  for (std::size_t steps = 0; !stack.empty(); ++steps) {
    if (values.lines.size() >= limit || steps > 2 * tree.size() + limit) {
      values.more = true;
      break;
    }
    const Place place = std::move(stack.back());
    stack.pop_back();
    const NodeId id = place.node;
    if (tree.kind(id) == NodeKind::kTensor) continue;
    const auto items = tree.items(id);
    const bool dict = tree.IsDict(id);
    std::optional<std::string> line;
    if (dict && items.empty() && place.depth > 0) {
      line = "{}";
    } else if ((!dict && !IsCollection(tree, id)) || place.depth >= kDeepest) {
      line = ScalarText(tree, id, detail);
    } else if (!dict) {
      line = OnOneLine(tree, id, detail);
    }
    if (line) {
      values.lines.push_back({place.path, std::move(*line)});
      continue;
    }
    const std::string prefix = place.path.empty() ? "" : place.path + ".";
    const std::size_t step = dict ? 2 : 1;
    // What lies beyond the limit of lines need not be laid on the stack; tensors give no line.
    std::vector<Place> inside;
    for (std::size_t i = 0; i < items.size() && inside.size() <= limit; i += step) {
      const NodeId value = items[dict ? i + 1 : i];
      if (tree.kind(value) == NodeKind::kTensor) continue;
      inside.push_back({value, place.depth + 1, prefix + (dict ? Escaped(tree.KeyText(items[i])) : std::to_string(i))});
    }
    std::move(inside.rbegin(), inside.rend(), std::back_inserter(stack));
  }
  return values;
}

void AppendValueLines(std::string& out, const ValueLines& values) {
  Table table({Align::kLeft, Align::kLeft});
  for (const ValueLine& line : values.lines) table.Add({line.path, line.text});
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

}  // namespace loadpath::ckpt
