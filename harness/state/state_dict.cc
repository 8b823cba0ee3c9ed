#include "loadpath/state_dict.h"

#include <algorithm>
#include <limits>

#include "harness/base/error.h"
#include "harness/base/hash_index.h"
#include "harness/checkpoint/dict_part.h"
#include "harness/checkpoint/key_mapping.h"
#include "harness/state/python_text.h"
#include "loadpath/load_state_dict.h"

namespace loadpath {
namespace {

std::string NoAttribute(const Tree& tree, NodeId node, std::string_view name) {
  std::string text = "'";
  return text.append(TypeName(tree.TypeText(node))).append("' object has no attribute '").append(name).append("'");
}

std::string KeyError(const Tree& tree, NodeId key) {
  if (tree.kind(key) == NodeKind::kBytes) return "startswith first arg must be bytes or a tuple of bytes, not str";
  return NoAttribute(tree, key, "startswith");
}

}  // namespace

// Places in the list of the same name, by key. It holds no text: a table of texts took most of the memory of a load of
// 100,000 tensors.
struct StateDict::Index {
  Index(const std::vector<Entry>& all, const std::vector<Entry>& modules)
      : entries(all.size()), metadata(modules.size()) {
    Add(all, entries);
    Add(modules, metadata);
  }

  static void Add(const std::vector<Entry>& list, HashIndex& index) {
    for (std::uint32_t i = 0; i < list.size(); ++i) {
      index.FindOrAdd(KeyedHash(list[i].key), i, [&](std::uint32_t other) { return list[other].key == list[i].key; });
    }
  }
  // Returns nullptr if there is none. `list` is that which `index` was made of, or a copy.
  static const Entry* Find(std::string_view key, const std::vector<Entry>& list, const HashIndex& index) {
    const std::uint32_t place = index.Find(KeyedHash(key), [&](std::uint32_t other) { return list[other].key == key; });
    return place == HashIndex::kNone ? nullptr : &list[place];
  }

  HashIndex entries, metadata;
};

StateDict StateDict::From(std::shared_ptr<const Checkpoint> checkpoint, std::string_view key_path) {
  const Tree& tree = checkpoint->tree();
  const DictPart found = FindDictPart(*checkpoint, key_path);
  const NodeId dict = found.node;
  if (!tree.IsDict(dict)) {
    throw StateDictError("Expected state_dict to be dict-like, got " + tree.TypeText(dict) + ".");
  }
  StateDict state_dict(std::move(checkpoint));
  const auto items = tree.items(dict);
  state_dict.entries_.reserve(items.size() / 2);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (tree.kind(items[i]) == NodeKind::kString) {
      state_dict.entries_.push_back({std::string(tree.text(items[i])), items[i + 1]});
    } else if (found.prefix.empty() && state_dict.key_error_.empty()) {
      state_dict.key_error_ = KeyError(tree, items[i]);
    }
  }
  state_dict.ReadMetadata(dict);
  if (!found.prefix.empty()) state_dict.TakePart(found.prefix);
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

void StateDict::TakePart(const std::string& prefix) {
  const auto take = [&](std::vector<Entry>& all, bool modules) {
    std::vector<Entry> part;
    for (Entry& entry : all) {
      const bool itself = modules && entry.key + "." == prefix;
      if (!itself && !entry.key.starts_with(prefix)) continue;
      part.push_back({itself ? "" : entry.key.substr(prefix.size()), entry.node, modules ? "" : entry.key});
    }
    all = std::move(part);
  };
  take(entries_, false);
  take(metadata_, true);
}

void StateDict::MakeIndex() { index_ = std::make_shared<const Index>(entries_, metadata_); }

const StateDict::Entry* StateDict::Find(std::string_view key) const {
  return Index::Find(key, entries_, index_->entries);
}

std::optional<std::int64_t> StateDict::Version(const std::string& module_path) const {
  const Entry* found = Index::Find(module_path, metadata_, index_->metadata);
  if (found == nullptr) return std::nullopt;
  const Tree& tree = checkpoint_->tree();
  const NodeId local = found->node;
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

void StateDict::Apply(const KeyRules& rules) {
  if (rules.empty()) return;
  if (!key_error_.empty()) throw StateDictError(key_error_);
  mapping_ = std::make_shared<const KeyMapping>(rules, checkpoint_->path());
  std::vector<std::string> keys;
  for (const Entry& entry : entries_) keys.push_back(entry.key);
  MappedKeys mapped = mapping_->Map(keys);
  mapping_->RequireNone(mapped.unused_only);
  if (!keys.empty() && std::ranges::none_of(mapped.names, [](const auto& name) { return name.has_value(); })) {
    mapping_->RequireNone("only and skip leave none of the " + Counted(keys.size(), "key"));
  }
  unused_skip_ = std::move(mapped.unused_skip);
  unused_rename_ = std::move(mapped.unused_rename);
  std::vector<Entry> named;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!mapped.names[i]) {
      left_out_.push_back(entries_[i].file_key.empty() ? std::move(keys[i]) : std::move(entries_[i].file_key));
      continue;
    }
    std::string file_key = std::move(entries_[i].file_key);
    if (file_key.empty() && *mapped.names[i] != keys[i]) file_key = std::move(keys[i]);
    named.push_back({std::move(*mapped.names[i]), entries_[i].node, std::move(file_key)});
  }
  entries_ = std::move(named);
  std::vector<std::string> paths;
  for (const Entry& module : metadata_) paths.push_back(module.key);
  const std::vector<std::optional<std::string>> names = mapping_->MapModules(paths);
  std::vector<Entry> modules;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i]) modules.push_back({*names[i], metadata_[i].node});
  }
  metadata_ = std::move(modules);
  MakeIndex();
}

void StateDict::RequireSkipMatch(std::span<const std::string> module_keys) const {
  if (unused_skip_.empty()) return;
  const auto skips = [&](const std::string& key) { return mapping_->Skips(key); };
  if (!std::ranges::any_of(module_keys, skips)) mapping_->RequireNone(unused_skip_);
}

bool StateDict::Wants(const std::string& key) const {
  if (mapping_ == nullptr) return true;
  mapping_->RenewSteps();  // a module's keys are not a stranger's, and one state dict may be loaded many times
  return mapping_->Wants(key);
}

}  // namespace loadpath
