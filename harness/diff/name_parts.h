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

/// Returns true if the text is digits alone: the number of a layer.
bool IsNumber(std::string_view text);

/// Returns true if no component of one is a number, or both have the same numbers: a layer with another number is
/// another layer.
bool SameNumbers(std::span<const std::string_view> a, std::span<const std::string_view> b);

/// A literal change of names: `from` becomes `to` where it begins the name, or else wherever it stands. It does what
/// its rule does, without an expression: the names of a file may be long and many, and many changes are tried.
struct NameChange {
  std::string from, to;
  bool begins = true;

  std::string Applied(std::string_view name) const;
  KeyRename Rule() const;
  auto operator<=>(const NameChange&) const = default;
};

/// Returns the change of a part of a name inside a key, "\.old\.=.new.".
NameChange PartRename(const std::string& from, const std::string& to);
/// Returns the change of the keys below one module, "^old\.=new."; without a name on one side they lose or get a
/// prefix.
NameChange ModuleRename(const std::string& from, const std::string& to);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_NAME_PARTS_H_
