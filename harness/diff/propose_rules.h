#ifndef LOADPATH_HARNESS_DIFF_PROPOSE_RULES_H_
#define LOADPATH_HARNESS_DIFF_PROPOSE_RULES_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/diff/causes.h"
#include "loadpath/key_rules.h"

namespace loadpath {

/// What one rule of a proposal does: how many keys it changes, and the first of them before and after.
struct RuleEffect {
  std::string rule;  ///< as on a command line: "--prefix module."
  std::size_t keys = 0;
  std::string from, to;
  bool by_order = false;  ///< it pairs layers only by their shapes, or by their order among layers of one shape
};

/// A key, or the path of a value, under which the two sides hold something else. An empty text: nothing.
struct Mismatch {
  std::string key, wanted, have;
};

/// Rules by which more of a state dict's keys are those of a model. They are a guess, to be looked at before use.
struct RuleProposal {
  std::string key_path;  ///< of the state dict in its file
  KeyRules rules;
  std::vector<RuleEffect> effects;
  std::size_t wanted = 0;                        ///< keys of the model
  std::size_t matched_before = 0, matched = 0;   ///< of these, with name and shape in the state dict
  std::vector<std::string> missing, unexpected;  ///< what stays unmatched; the unexpected by their new names
  std::vector<Mismatch> shapes;                  ///< what matches by name alone
  bool by_order() const;                         ///< one of the rules is
};

/// What is said of a proposal that is `by_order`.
inline constexpr std::string_view kByOrder =
    "some layers are paired by shape and order alone, not by name: look at them before use";

/// Looks for rules by names (a wrapper's prefix, a layer or component of another name), by the numbers of a Sequential,
/// and by shapes and order. `have` are the keys as the file has them. Returns nullopt if no rule makes more keys match.
std::optional<RuleProposal> ProposeRules(std::span<const KeyInfo> wanted, std::span<const KeyInfo> have);

/// Does the same for every dict of tensors in the checkpoint. Returns the proposal by which the most keys match; that
/// for the dict at `current` if others are as good.
std::optional<RuleProposal> ProposeRules(std::span<const KeyInfo> wanted, const Checkpoint& checkpoint,
                                         std::string_view current);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_PROPOSE_RULES_H_
