// Key paths as people type them: "model_state_dict", "a.b.c", "models.0".
#include <algorithm>
#include <charconv>
#include <set>

#include "harness/base/nearest.h"
#include "loadpath/checkpoint.h"

namespace loadpath {
namespace {

constexpr std::size_t kMaxListed = 12;

// Returns the names by which a path may go on.
std::vector<std::string> Names(const Tree& tree, NodeId node) {
  std::vector<std::string> names;
  const std::span<const NodeId> items = tree.items(node);
  for (std::size_t i = 0; tree.IsDict(node) && i < items.size(); i += 2) names.push_back(tree.KeyText(items[i]));
  return names;
}

std::string WhatIsThere(const Tree& tree, NodeId node, std::string_view place) {
  const std::string where = place.empty() ? "at the top level" : "under '" + std::string(place) + "'";
  if (tree.IsSequence(node)) return where + " is a " + tree.ShortText(node) + ", whose positions are numbers from 0";
  const std::vector<std::string> names = Names(tree, node);
  if (names.empty()) return where + " is " + (tree.IsDict(node) ? "an empty dict" : tree.ShortText(node));
  std::string text = where + (names.size() == 1 ? " is " : " are ");
  for (std::size_t i = 0; i < std::min(names.size(), kMaxListed); ++i) text += (i == 0 ? "'" : ", '") + names[i] + "'";
  if (names.size() > kMaxListed) text += " and " + std::to_string(names.size() - kMaxListed) + " more";
  return text;
}

struct Step {
  NodeId node;
  std::size_t position;  // in the path, behind a dot
};

// The children whose names `rest` starts with, by the names under which Tree::Walk lists them; the longest name first.
std::vector<Step> Matches(const Tree& tree, const Step& at, std::string_view rest) {
  std::vector<Step> matches;
  const std::span<const NodeId> items = tree.items(at.node);
  const auto add = [&](NodeId child, std::string_view name) {
    if (rest.starts_with(name) && (rest.size() == name.size() || rest[name.size()] == '.')) {
      matches.push_back({child, at.position + name.size() + 1});
    }
  };
  if (tree.IsDict(at.node)) {
    for (std::size_t i = 0; i < items.size(); i += 2) {
      if (tree.kind(items[i]) == NodeKind::kString) {
        add(items[i + 1], tree.text(items[i]));
      } else {
        add(items[i + 1], tree.KeyText(items[i]));
      }
    }
  } else {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
    if (error == std::errc() && index < items.size())
      add(items[index], rest.substr(0, static_cast<std::size_t>(end - rest.data())));
  }
  if (tree.HasState(at.node)) add(tree.attributes(at.node), "state");
  std::stable_sort(matches.begin(), matches.end(),
                   [](const Step& a, const Step& b) { return a.position > b.position; });
  return matches;
}

[[noreturn]] void Missing(const Tree& tree, const Step& at, std::string_view path) {
  const std::string rest(path.substr(at.position));
  const std::string_view place = at.position == 0 ? std::string_view() : path.substr(0, at.position - 1);
  std::string sentence;
  if (tree.IsDict(at.node)) {
    const std::vector<std::string> names = Names(tree, at.node);
    sentence = "KeyError: '" + rest + "'";
    std::string nearest = Nearest(rest, names);
    if (nearest.empty()) nearest = Nearest(rest.substr(0, rest.find('.')), names);
    if (!nearest.empty()) sentence += " (did you mean '" + nearest + "'?)";
  } else if (tree.IsSequence(at.node)) {
    const bool number =
        !rest.empty() && rest.substr(0, rest.find('.')).find_first_not_of("0123456789") == std::string::npos;
    const std::string type = tree.kind(at.node) == NodeKind::kList ? "list" : "tuple";
    sentence = number ? "IndexError: " + type + " index out of range: " + rest.substr(0, rest.find('.'))
                      : "TypeError: " + type + " indices must be integers or slices, not str: '" + rest + "'";
  } else {
    std::string type = tree.TypeText(at.node);
    const std::size_t quote = type.find('\'');
    type = type.substr(quote + 1, type.rfind('\'') - quote - 1);
    type = type.substr(type.rfind('.') + 1);
    sentence = "TypeError: '" + type + "' object is not subscriptable: '" + rest + "'";
  }
  throw CheckpointError(ErrorCode::kKeyPath, tree.file(), sentence + "; " + WhatIsThere(tree, at.node, place));
}

}  // namespace

NodeId FollowKeyPath(const Checkpoint& checkpoint, std::string_view key_path) {
  const Tree& tree = checkpoint.tree();
  if (key_path.empty()) return tree.root();
  // The longest name first, and a shorter one if that leads nowhere. No (value, position) is tried twice.
  std::vector<Step> open{{tree.root(), 0}};
  std::set<std::pair<NodeId, std::size_t>> tried;
  Step furthest = open[0];
  while (!open.empty()) {
    const Step at = open.back();
    open.pop_back();
    if (at.position == key_path.size() + 1) return at.node;
    if (!tried.insert({at.node, at.position}).second) continue;
    if (at.position > furthest.position) furthest = at;
    const std::vector<Step> matches = Matches(tree, at, key_path.substr(at.position));
    open.insert(open.end(), matches.rbegin(), matches.rend());
  }
  Missing(tree, furthest, key_path);
}

}  // namespace loadpath
