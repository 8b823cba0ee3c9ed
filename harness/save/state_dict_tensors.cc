#include "harness/save/state_dict_tensors.h"

#include <span>

#include "harness/base/text.h"

namespace loadpath {
namespace {

constexpr std::size_t kMostNamed = 8;

// Names the key paths of the dicts below `from` that hold tensors themselves, at most as many as a person would read.
std::string WhereStateDictsLie(const Tree& tree, NodeId from, const std::string& key_path) {
  std::vector<std::string> places;
  std::size_t count = 0;
  tree.Walk(from, [&](const std::vector<std::string>& path, NodeId node) {
    if (!tree.IsDict(node)) return true;
    const std::span<const NodeId> items = tree.items(node);
    for (std::size_t i = 1; i < items.size(); i += 2) {
      if (tree.kind(items[i]) != NodeKind::kTensor) continue;
      if (++count <= kMostNamed) places.push_back((key_path.empty() ? "" : Escaped(key_path) + ".") + DottedPath(path));
      return false;
    }
    return true;
  });
  std::string text;
  for (const std::string& place : places) text += (text.empty() ? "--key " : " or --key ") + place;
  return count > kMostNamed ? text + " or " + std::to_string(count - kMostNamed) + " more" : text;
}

}  // namespace

StateDictTensors TakeStateDict(const Checkpoint& checkpoint, const std::string& key_path) {
  const auto refuse = [&](const std::string& sentence) {
    throw CheckpointError(ErrorCode::kUnsupported, checkpoint.path(), sentence);
  };
  const Tree& tree = checkpoint.tree();
  const NodeId dict = FollowKeyPath(checkpoint, key_path);
  const std::string where = key_path.empty() ? "at its top level" : "under " + Escaped(key_path);
  if (!tree.IsDict(dict)) refuse("has no state dict " + where + ", but " + Escaped(tree.ShortText(dict)));
  StateDictTensors taken;
  const std::span<const NodeId> items = tree.items(dict);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const std::string name = tree.KeyText(items[i]);
    if (tree.kind(items[i + 1]) != NodeKind::kTensor) {
      taken.left_out.push_back(name);
      continue;
    }
    if (tree.kind(items[i]) != NodeKind::kString)
      refuse("has a tensor " + where + " whose key is not text: " + Escaped(name));
    taken.tensors.push_back({{name}, items[i + 1]});
  }
  // Leaving these out would lose tensors.
  for (std::size_t i = 1; i < items.size(); i += 2) {
    if (tree.kind(items[i]) == NodeKind::kTensor || ListTensors(tree, items[i]).empty()) continue;
    const std::string places = WhereStateDictsLie(tree, dict, key_path);
    refuse((taken.tensors.empty() ? "has no tensor of its own " : "has more tensors below those ") + where +
           (places.empty() ? ": a safetensors file holds one dict of tensors"
                           : "; one state dict is written at a time: " + places));
  }
  const NodeId attributes = tree.attributes(dict);
  if (attributes == kNoNode || !tree.IsDict(attributes)) return taken;
  if (tree.Find(attributes, "_metadata") != kNoNode) taken.left_out.emplace_back("_metadata");
  const NodeId metadata = tree.Find(attributes, "__metadata__");
  if (metadata == kNoNode || !tree.IsDict(metadata)) return taken;
  const std::span<const NodeId> pairs = tree.items(metadata);
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2)
    taken.metadata.emplace_back(tree.text(pairs[i]), tree.text(pairs[i + 1]));
  return taken;
}

}  // namespace loadpath
