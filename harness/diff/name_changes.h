#ifndef LOADPATH_HARNESS_DIFF_NAME_CHANGES_H_
#define LOADPATH_HARNESS_DIFF_NAME_CHANGES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/diff/name_parts.h"

namespace loadpath {

using Names = std::vector<std::string>;

/// KeyRules with literal changes in place of expressions.
struct NameChanges {
  std::vector<std::string> prefixes{};
  std::vector<NameChange> rename{};
};

KeyRules RulesOf(const NameChanges& changes);

/// Returns the new names. Returns nullopt if two keys get one name by the prefixes, or if one gets too long to match.
std::optional<Names> Applied(const NameChanges& changes, const Names& names);

/// Returns how many bytes Applied goes through.
std::uint64_t BytesToApply(const NameChanges& changes, const Names& names);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_NAME_CHANGES_H_
