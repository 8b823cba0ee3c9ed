#include "harness/save/state_dict_tensors.h"

#include <algorithm>
#include <optional>
#include <span>

#include "harness/base/text.h"
#include "harness/checkpoint/dict_part.h"
#include "harness/checkpoint/key_mapping.h"
#include "harness/inspect/state_dict_places.h"

namespace loadpath {
namespace {

// Returns true if a value of the dict, or of the part of it that is meant, holds tensors. Looks into each value once,
// at however many places it stands.
bool HoldsMoreTensors(const Tree& tree, NodeId dict, const std::string& part) {
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
      if (node == dict && !part.empty() && !tree.text(items[i - 1]).starts_with(part)) continue;
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

StateDictTensors TakeStateDict(const Checkpoint& checkpoint, const FileAndKey& name, const KeyRules& rules) {
  const std::string& key_path = name.key;
  const auto refuse = [&](const std::string& sentence) {
    throw CheckpointError(ErrorCode::kUnsupported, checkpoint.path(), sentence);
  };
  const Tree& tree = checkpoint.tree();
  const DictPart part = FindDictPart(checkpoint, key_path);
  const NodeId dict = part.node;
  const std::string where = key_path.empty() ? "at its top level" : "under " + Escaped(key_path);
  if (!tree.IsDict(dict)) {
    const std::string places = StateDictPlaces(tree, dict, name);
    refuse("has no state dict " + where + ", but " + Escaped(tree.ShortText(dict)) +
           (places.empty() ? "" : "; name one: " + places));
  }
  StateDictTensors taken;
  const std::span<const NodeId> items = tree.items(dict);
  MappedKeys mapped;
  if (!rules.empty() || !part.prefix.empty()) {
    const KeyMapping mapping(rules, checkpoint.path(), part.prefix);
    mapped = mapping.Map(tree, dict);
    mapping.RequireNone(mapped.unused_only);
    mapping.RequireNone(mapped.unused_skip);
  }
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    std::string key = tree.KeyText(items[i]);
    if (!mapped.names.empty()) {
      if (!mapped.names[i / 2]) continue;
      key = *mapped.names[i / 2];
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
  if (HoldsMoreTensors(tree, dict, part.prefix)) {
    const std::string places = StateDictPlaces(tree, dict, name);
    refuse((taken.tensors.empty() ? "has no tensor of its own " : "has more tensors below those ") + where +
           (places.empty() ? ", and a safetensors file holds one dict of tensors: take its values out in Python"
                           : "; one state dict is written at a time: " + places));
  }
  if (taken.tensors.empty()) refuse("has no tensors " + where + ": there is nothing to convert; name another key");
  const auto cut = std::ranges::find_if(taken.tensors, [](const auto& one) { return one.path[0].starts_with('.'); });
  if (!rules.prefixes.empty() && cut != taken.tensors.end()) {
    refuse("would have a tensor named " + Escaped(cut->path[0]) + "; write the dot at the end of the prefix too");
  }
  for (const auto* unused : {&mapped.unused_prefixes, &mapped.unused_rename}) {
    if (!unused->empty()) refuse(unused->front() + " " + where + "; the first is " + Escaped(taken.tensors[0].path[0]));
  }
  TakeAttributes(tree, tree.attributes(dict), taken);
  return taken;
}

}  // namespace loadpath
