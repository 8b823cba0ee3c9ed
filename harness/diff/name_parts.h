#ifndef LOADPATH_HARNESS_DIFF_NAME_PARTS_H_
#define LOADPATH_HARNESS_DIFF_NAME_PARTS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loadpath/key_rules.h"

namespace loadpath {

/// The components of a key: "a", "0" and "weight" of "a.0.weight".
using Parts = std::vector<std::string_view>;
Parts Components(std::string_view key);
std::string Joined(std::span<const std::string_view> parts);

/// Returns true if no component of one is a number, or both have the same numbers: a layer with another number is
/// another layer.
bool SameNumbers(std::span<const std::string_view> a, std::span<const std::string_view> b);

/// Returns the rule for a part of a name inside a key, "\.old\.=.new.".
KeyRename PartRename(const std::string& from, const std::string& to);
/// Returns the rule for the keys below one module, "^old\.=new."; without a name on one side they lose or get a prefix.
KeyRename ModuleRename(const std::string& from, const std::string& to);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_NAME_PARTS_H_
