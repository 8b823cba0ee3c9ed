#ifndef LOADPATH_HARNESS_DIFF_DIFFERENCES_H_
#define LOADPATH_HARNESS_DIFF_DIFFERENCES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/diff/causes.h"
#include "harness/diff/propose_rules.h"
#include "harness/diff/tensor_difference.h"
#include "harness/inspect/file_and_key.h"
#include "loadpath/key_rules.h"

namespace loadpath {

/// What a comparison found. `wanted` is the model or the first file, `have` the file or the second one.
struct Differences {
  std::string wanted_name, have_name;
  std::optional<Tolerance> tolerance;  ///< nullopt: bit by bit
  std::uint64_t compared = 0;          ///< keys that both sides have
  std::vector<std::string> missing, unexpected;
  std::vector<Mismatch> shapes, dtypes, values;
  std::vector<TensorDifference> tensors;
  std::vector<std::string> refused;      ///< what load_state_dict refuses besides, in PyTorch's words
  std::vector<std::string> causes;       ///< with a proposal: of what it leaves unmatched
  std::optional<RuleProposal> proposal;  ///< rules by which more keys match
  std::string proposed_command;          ///< that compares by them
  bool against_model = false;            ///< which has no values to compare

  bool equal() const {
    return missing.empty() && unexpected.empty() && shapes.empty() && dtypes.empty() && values.empty() &&
           tensors.empty() && refused.empty();
  }
};

/// Compares keys, shapes and dtypes, and adds the likely causes.
Differences CompareKeys(const KeySets& sets);

struct DiffOptions {
  KeyRules rules = {};                      ///< for the keys of both sides
  std::optional<Tolerance> tolerance = {};  ///< nullopt: bit by bit
  OpenOptions open = {};                    ///< of both files
  CrcMode crc = CrcMode::kAuto;
  std::string command = "ckpt";  ///< how the command line of a cause calls the program
};

/// Compares two files, each from its key path on: keys, shapes, dtypes, elements and plain values. If the state dict of
/// one is nested in the other, the cause says which `ckpt diff` compares the two. Throws CheckpointError.
Differences CompareFiles(const FileAndKey& wanted, const FileAndKey& have, const DiffOptions& options);

/// Returns the report for people.
std::string DiffText(const Differences& differences);

/// Returns {"wanted", "have", "equal", "compared", "missing", "unexpected", "shapes": [{"key", "wanted", "have"}],
/// "dtypes": …, "tensors": [{"key", "elements", "differing", "first", "largest", "largest_at", "relative",
/// "relative_at"}], "values": [{"path", "wanted", "have"}], "causes"}; with a tolerance also "rtol" and "atol";
/// "errors" with what load_state_dict refuses besides; "proposal": {"key", "prefixes", "rename": [[pattern,
/// replacement]], "matched", "matched_before", "wanted", "missing", "unexpected", "shapes", "by_order", "command"}.
std::string DiffJson(const Differences& differences);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_DIFFERENCES_H_
