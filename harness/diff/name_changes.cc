#include "harness/diff/name_changes.h"

#include "harness/checkpoint/key_mapping.h"
#include "harness/checkpoint/limits.h"
#include "loadpath/error.h"

namespace loadpath {

KeyRules RulesOf(const NameChanges& changes) {
  KeyRules rules{.prefixes = changes.prefixes};
  for (const NameChange& change : changes.rename) rules.rename.push_back(change.Rule());
  return rules;
}

std::optional<Names> Applied(const NameChanges& changes, const Names& names) {
  Names renamed = names;
  if (!changes.prefixes.empty()) {
    try {
      const MappedKeys mapped = KeyMapping({.prefixes = changes.prefixes}, "").Map(names);
      for (std::size_t i = 0; i < names.size(); ++i) renamed[i] = mapped.names[i].value_or("");
    } catch (const CheckpointError&) {
      return std::nullopt;
    }
  }
  for (const NameChange& change : changes.rename) {
    for (std::string& name : renamed) {
      name = change.Applied(name);
      if (name.size() > limits::kMatchedKey) return std::nullopt;
    }
  }
  return renamed;
}

std::uint64_t BytesToApply(const NameChanges& changes, const Names& names) {
  std::uint64_t bytes = 0;
  for (const std::string& name : names) bytes += name.size() + 1;
  return bytes * (changes.prefixes.size() + changes.rename.size() + 1);
}

}  // namespace loadpath
