#ifndef LOADPATH_HARNESS_CHECKPOINT_KEY_MAPPING_H_
#define LOADPATH_HARNESS_CHECKPOINT_KEY_MAPPING_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <regex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/checkpoint/bounded_match.h"
#include "harness/checkpoint/limits.h"
#include "loadpath/key_rules.h"
#include "loadpath/tree.h"

namespace loadpath {

/// Returns why the rules cannot be used, whatever the keys: an expression is not one, a replacement names a group as
/// Python does. Returns an empty text if they can.
std::string KeyRulesProblem(const KeyRules& rules);

/// The names that KeyRules give to the keys of one dict.
struct MappedKeys {
  std::vector<std::optional<std::string>> names;            ///< of each key; nullopt: left out by `only` or `skip`
  std::vector<std::string> unused_prefixes, unused_rename;  ///< a sentence for each that changed no key
  std::string unused_only, unused_skip;                     ///< a sentence if the filter matches no key
};

/// KeyRules with their expressions compiled.
class KeyMapping {
 public:
  /// `file` is the checkpoint's, for messages. `part` is what the keys of a dict begin with that are meant, and lose
  /// before the rules are applied (see FindDictPart). Throws CheckpointError kKeyRule if the rules cannot be used.
  KeyMapping(KeyRules rules, std::string file, std::string part = {});

  const KeyRules& rules() const { return rules_; }
  /// Gives matching limits::kMatchSteps again.
  void RenewSteps() const { match_->Reset(limits::kMatchSteps); }

  /// Returns false if `only` or `skip` leaves the new name out.
  bool Wants(const std::string& name) const;
  /// Returns true if `skip` leaves it out.
  bool Skips(const std::string& name) const;

  /// Returns the names of the keys. Takes linear time in their number. Throws CheckpointError kKeyRule if two keys get
  /// one name (it says both), if a key is longer, or gets longer, than an expression may be matched against
  /// (limits::kMatchedKey), and if matching takes too many steps (limits::kMatchSteps) or too much of the stack.
  MappedKeys Map(std::span<const std::string> keys) const;

  /// Does the same for the keys of a dict; those outside the part have no name. Throws CheckpointError kKeyRule if one
  /// is no text, unless a part is meant.
  MappedKeys Map(const Tree& tree, NodeId dict) const;

  /// Throws CheckpointError kKeyRule if there is a sentence in one of these.
  void RequireNone(std::string_view sentence) const;

  /// Returns the names of modules, as they stand in a state dict's `_metadata`: "module.encoder" becomes "encoder",
  /// "module" becomes "" and takes the place of "", the wrapper, which has no name then. Filters are not asked.
  std::vector<std::optional<std::string>> MapModules(std::span<const std::string> paths) const;

 private:
  // Notes in `used`, if it is not null, which of the prefixes and then of the rules changed something.
  std::string NewName(std::string_view key, std::vector<bool>* used) const;
  std::string WithoutPrefixes(std::string_view key, std::vector<bool>* used) const;
  void RequireShort(std::string_view key) const;
  bool Matches(const std::string& name, const std::regex& expression) const;
  std::string Renamed(const std::string& name, std::size_t rule) const;
  template <class Work>
  auto InSteps(const std::string& name, const Work& work) const;
  void RequireDifferent(std::span<const std::string> keys, const MappedKeys& mapped) const;
  [[noreturn]] void Fail(const std::string& sentence) const;

  KeyRules rules_;
  std::string file_, part_;
  std::vector<std::regex> rename_;
  std::optional<std::regex> only_, skip_;
  std::shared_ptr<BoundedMatch> match_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_KEY_MAPPING_H_
