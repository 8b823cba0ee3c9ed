#ifndef LOADPATH_KEY_RULES_H_
#define LOADPATH_KEY_RULES_H_

#include <string>
#include <vector>

namespace loadpath {

/// Replaces every match of a regular expression (ECMAScript, as in std::regex) in a key. In the replacement, $1 is the
/// first group and $& the whole match.
struct KeyRename {
  std::string pattern{}, replacement{};
  bool operator==(const KeyRename&) const = default;
};

/// What the keys of a state dict are called in the module, and which of them are loaded. Applied in this order.
struct KeyRules {
  /// Removed from every key. One that ends with a dot ("module." of DataParallel, "_orig_mod." of torch.compile) is
  /// removed wherever a component begins with it, as often as it stands there: "module._orig_mod.encoder.module.weight"
  /// becomes "encoder.weight". Any other is removed once, at the beginning.
  std::vector<std::string> prefixes{};
  std::vector<KeyRename> rename{};  ///< one after the other, each on what the one before it left
  /// Regular expressions for the new names: those without a match of `only`, and those with a match of `skip`, are left
  /// out, in the state dict and in the module. An empty one leaves nothing out; one that matches nothing is an error.
  std::string only{}, skip{};

  bool empty() const { return prefixes.empty() && rename.empty() && only.empty() && skip.empty(); }
  bool operator==(const KeyRules&) const = default;
};

}  // namespace loadpath

#endif  // LOADPATH_KEY_RULES_H_
