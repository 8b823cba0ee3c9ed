#ifndef LOADPATH_HARNESS_DIFF_RULE_CANDIDATES_H_
#define LOADPATH_HARNESS_DIFF_RULE_CANDIDATES_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/diff/name_parts.h"

namespace loadpath {

/// How many pairs of keys suggest a change.
struct Support {
  std::size_t pairs = 0;
  std::size_t in_order = 0;  ///< pairs at the same place among the keys of their shape
};
using Tally = std::map<NameChange, Support>;

/// Adds the changes that make one name of the other: what differs in the middle is a module of another name, or the
/// same part of a name inside any layer.
void AddCandidates(const Parts& have, const Parts& wanted, bool in_order, Tally& tally);

struct Candidate {
  NameChange change;
  Support support;
  std::size_t matched = 0;
};

/// Returns the `most` candidates that the most pairs suggest, the likeliest first.
std::vector<Candidate> Likeliest(const Tally& tally, std::size_t most);

/// Returns true if another change gives the same keys other names, or other keys the same names, and as many pairs
/// suggest it: the order alone speaks for this one, which brings `gain` keys.
bool HasRival(const Tally& tally, const NameChange& change, std::size_t gain);

/// Returns true if the names of the keys that the change brings say that they are the same: it changes several modules,
/// or a component after the change is a word, as `attn` of "a.attn.weight" and "b.attn.weight". If not, their shapes
/// alone do.
bool NamesAgree(const NameChange& change, std::span<const std::string_view> brought);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_RULE_CANDIDATES_H_
