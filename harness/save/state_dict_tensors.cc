#include "harness/save/state_dict_tensors.h"

#include <optional>
#include <span>

#include "harness/base/text.h"
#include "harness/checkpoint/prefix.h"

namespace loadpath {
namespace {

constexpr std::size_t kMostNamed = 8;

bool IsOptimizerState(const std::vector<std::string>& path) {
  const auto is_number = [](const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  };
  return path.size() >= 2 && path[path.size() - 2] == "state" && is_number(path.back());
}

// Names the key paths of the dicts below `from` that hold tensors themselves, at most as many as a person would read.
// `from` itself is not among them.
std::string WhereStateDictsLie(const Tree& tree, NodeId from, const FileAndKey& name) {
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

// Returns true if a value of the dict holds tensors. Looks into each value once, at however many places it stands.
bool HoldsMoreTensors(const Tree& tree, NodeId dict) {
  std::vector<bool> seen(tree.size());
  std::vector<NodeId> open;
  const auto enter = [&](NodeId node) {
    if (!seen[node]) open.push_back(node);
    seen[node] = true;
  };
  const auto enter_items = [&](NodeId node, bool tensors) {
    const std::span<const NodeId> items = tree.items(node);
    const bool pairs = tree.IsDict(node);
    for (std::size_t i = pairs ? 1 : 0; i < items.size(); i += pairs ? 2 : 1) {
      if (tensors || tree.kind(items[i]) != NodeKind::kTensor) enter(items[i]);
    }
    if (tree.HasState(node)) enter(tree.attributes(node));
  };
  enter_items(dict, false);
  while (!open.empty()) {
    const NodeId node = open.back();
    open.pop_back();
    if (tree.kind(node) == NodeKind::kTensor) return true;
    enter_items(node, true);
  }
  return false;
}

// Takes what the dict's attributes say of the metadata of a safetensors file, and names what cannot be taken.
void TakeAttributes(const Tree& tree, NodeId attributes, StateDictTensors& taken) {
  if (attributes == kNoNode || !tree.IsDict(attributes)) return;
  if (tree.Find(attributes, "_metadata") != kNoNode) taken.left_out.emplace_back("_metadata");
  const NodeId metadata = tree.Find(attributes, "__metadata__");
  if (metadata == kNoNode) return;
  if (!tree.IsDict(metadata)) {
    taken.left_out.emplace_back("__metadata__");
    return;
  }
  const std::span<const NodeId> pairs = tree.items(metadata);
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    if (tree.kind(pairs[i]) == NodeKind::kString && tree.kind(pairs[i + 1]) == NodeKind::kString) {
      taken.metadata.emplace_back(tree.text(pairs[i]), tree.text(pairs[i + 1]));
    } else {
      taken.left_out.push_back("__metadata__." + tree.KeyText(pairs[i]));
    }
  }
}

}  // namespace

StateDictTensors TakeStateDict(const Checkpoint& checkpoint, const FileAndKey& name, const std::string& prefix) {
  const std::string& key_path = name.key;
  const auto refuse = [&](const std::string& sentence) {
    throw CheckpointError(ErrorCode::kUnsupported, checkpoint.path(), sentence);
  };
  const Tree& tree = checkpoint.tree();
  const NodeId dict = FollowKeyPath(checkpoint, key_path);
  const std::string where = key_path.empty() ? "at its top level" : "under " + Escaped(key_path);
  if (!tree.IsDict(dict)) refuse("has no state dict " + where + ", but " + Escaped(tree.ShortText(dict)));
  StateDictTensors taken;
  const std::span<const NodeId> items = tree.items(dict);
  std::vector<std::optional<std::string>> names;
  if (!prefix.empty()) names = NamesWithoutPrefix(tree, dict, prefix, KeyKind::kStateDict);
  bool had_prefix = false;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    std::string key = tree.KeyText(items[i]);
    if (!names.empty()) {
      if (!names[i / 2]) continue;  // another one has taken its place
      had_prefix |= key != *names[i / 2];
      key = *names[i / 2];
    }
    if (tree.IsOtherTensor(items[i + 1])) {
      refuse("has a tensor " + where + " that safetensors cannot hold, " + Escaped(key) + ": " +
             Escaped(tree.ShortText(items[i + 1])) + "; make it a dense tensor with values in Python first");
    }
    if (tree.kind(items[i + 1]) != NodeKind::kTensor) {
      taken.left_out.push_back(key);
      continue;
    }
    if (tree.kind(items[i]) != NodeKind::kString)
      refuse("has a tensor " + where + " whose key is not text: " + Escaped(key));
    taken.tensors.push_back({{key}, items[i + 1]});
  }
  // Leaving these out would lose tensors.
  if (HoldsMoreTensors(tree, dict)) {
    const std::string places = WhereStateDictsLie(tree, dict, name);
    refuse((taken.tensors.empty() ? "has no tensor of its own " : "has more tensors below those ") + where +
           (places.empty() ? ", and a safetensors file holds one dict of tensors: take its values out in Python"
                           : "; one state dict is written at a time: " + places));
  }
  if (taken.tensors.empty()) refuse("has no tensors " + where + ": there is nothing to convert; name another key");
  if (!prefix.empty() && !had_prefix) {
    refuse("has no tensor " + where + " whose name begins with " + Escaped(prefix) + "; the first is " +
           Escaped(taken.tensors[0].path[0]));
  }
  TakeAttributes(tree, tree.attributes(dict), taken);
  return taken;
}

}  // namespace loadpath
