#include "loadpath/state_dict.h"

#include <algorithm>
#include <limits>

#include "harness/base/keyed_hash.h"
#include "harness/checkpoint/prefix.h"
#include "harness/state/python_text.h"
#include "loadpath/load_state_dict.h"

namespace loadpath {
namespace {

using Places = HashMap<std::string, std::size_t>;

Places PlacesOf(const std::vector<StateDict::Entry>& entries) {
  Places places;
  places.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) places.emplace(entries[i].key, i);
  return places;
}

std::string NoAttribute(const Tree& tree, NodeId node, std::string_view name) {
  std::string text = "'";
  return text.append(TypeName(tree.TypeText(node))).append("' object has no attribute '").append(name).append("'");
}

std::string KeyError(const Tree& tree, NodeId key) {
  if (tree.kind(key) == NodeKind::kBytes) return "startswith first arg must be bytes or a tuple of bytes, not str";
  return NoAttribute(tree, key, "startswith");
}

void Rename(std::vector<StateDict::Entry>& entries, std::string_view prefix, KeyKind kind) {
  std::vector<std::string> keys;
  for (const StateDict::Entry& entry : entries) keys.push_back(entry.key);
  std::vector<StateDict::Entry> renamed;
  for (KeptKey& kept : RemovePrefix(keys, prefix, kind)) {
    renamed.push_back({std::move(kept.key), entries[kept.item].node});
  }
  entries = std::move(renamed);
}

}  // namespace

struct StateDict::Index {
  Index(Places entries, Places metadata) : entries(std::move(entries)), metadata(std::move(metadata)) {}
  Places entries, metadata;
};

StateDict StateDict::From(std::shared_ptr<const Checkpoint> checkpoint, std::string_view key_path) {
  const NodeId dict = FollowKeyPath(*checkpoint, key_path);
  const Tree& tree = checkpoint->tree();
  if (!tree.IsDict(dict)) {
    throw StateDictError("Expected state_dict to be dict-like, got " + tree.TypeText(dict) + ".");
  }
  StateDict state_dict(std::move(checkpoint));
  const auto items = tree.items(dict);
  state_dict.entries_.reserve(items.size() / 2);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (tree.kind(items[i]) == NodeKind::kString) {
      state_dict.entries_.push_back({std::string(tree.text(items[i])), items[i + 1]});
    } else if (state_dict.key_error_.empty()) {
      state_dict.key_error_ = KeyError(tree, items[i]);
    }
  }
  state_dict.ReadMetadata(dict);
  state_dict.MakeIndex();
  return state_dict;
}

void StateDict::ReadMetadata(NodeId dict) {
  const Tree& tree = checkpoint_->tree();
  const NodeId attributes = tree.attributes(dict);
  if (attributes == kNoNode || !tree.IsDict(attributes)) return;
  const NodeId metadata = tree.Find(attributes, "_metadata");
  if (metadata == kNoNode || tree.kind(metadata) == NodeKind::kNone) return;
  if (!tree.IsDict(metadata)) throw StateDictError(NoAttribute(tree, metadata, "get"));
  has_metadata_ = true;
  const auto items = tree.items(metadata);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (tree.kind(items[i]) == NodeKind::kString) metadata_.push_back({std::string(tree.text(items[i])), items[i + 1]});
  }
}

void StateDict::MakeIndex() { index_ = std::make_shared<const Index>(PlacesOf(entries_), PlacesOf(metadata_)); }

const StateDict::Entry* StateDict::Find(std::string_view key) const {
  const auto found = index_->entries.find(key);
  return found == index_->entries.end() ? nullptr : &entries_[found->second];
}

std::optional<std::int64_t> StateDict::Version(const std::string& module_path) const {
  const auto found = index_->metadata.find(module_path);
  if (found == index_->metadata.end()) return std::nullopt;
  const Tree& tree = checkpoint_->tree();
  const NodeId local = metadata_[found->second].node;
  if (!tree.IsDict(local)) throw StateDictError(NoAttribute(tree, local, "get"));
  const NodeId version = tree.Find(local, "version");
  if (version == kNoNode) return std::nullopt;
  using Limits = std::numeric_limits<std::int64_t>;
  switch (tree.kind(version)) {
    case NodeKind::kNone:
      return std::nullopt;
    case NodeKind::kBool:
      return tree.boolean(version) ? 1 : 0;
    case NodeKind::kInt:
      return tree.integer(version);
    case NodeKind::kBigInt:
      return tree.text(version).starts_with('-') ? Limits::min() : Limits::max();
    case NodeKind::kFloat: {
      const double real = tree.real(version);
      return real < 2 ? (real < 1 ? 0 : 1) : Limits::max();  // callers compare it only with small versions
    }
    default:
      throw StateDictError(std::string("'<' not supported between instances of '")
                               .append(TypeName(tree.TypeText(version)))
                               .append("' and 'int'"));
  }
}

void StateDict::RemovePrefix(std::string_view prefix) {
  if (!key_error_.empty()) throw StateDictError(key_error_);
  Rename(entries_, prefix, KeyKind::kStateDict);
  Rename(metadata_, prefix, KeyKind::kMetadata);
  MakeIndex();
}

}  // namespace loadpath
