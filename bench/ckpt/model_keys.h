#ifndef LOADPATH_BENCH_CKPT_MODEL_KEYS_H_
#define LOADPATH_BENCH_CKPT_MODEL_KEYS_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/diff/causes.h"
#include "harness/diff/propose_rules.h"
#include "harness/inspect/file_and_key.h"
#include "harness/load/load_path.h"
#include "loadpath/model.h"

namespace loadpath::ckpt {

/// Finds a model, or a load path, by its name on the command line. Throws UsageError with the nearest name and all
/// names if there is none.
const Model& ChooseModel(const std::string& name, std::span<const Model> models);
const LoadPath& ChooseLoadPath(const std::string& name);

/// Returns the tensors of a module's state dict.
std::vector<KeyInfo> KeysOf(const torch::nn::Module& module);
/// Returns the tensors of a state dict in a checkpoint, by the names that its rules give them.
std::vector<KeyInfo> KeysOf(const StateDict& state_dict);

/// Returns why this state dict does not fit this model: the key path where the state dict lies, the model that it does
/// fit among `models`, tied tensors of which one is there, or LikelyCauses.
std::vector<std::string> WhyNot(std::span<const Model> models, const Model& model, torch::nn::Module& module,
                                const StateDict& state_dict, const FileAndKey& file);

/// Returns the rules by which more of the file's keys are the model's; nullopt if the state dict at `file` lacks none,
/// or if none are found. `rules` are those of the state dict: their `only` and `skip` stay.
std::optional<RuleProposal> Proposal(torch::nn::Module& module, const StateDict& state_dict, const FileAndKey& file,
                                     const KeyRules& rules);

/// Returns the arguments by which a command line follows the proposal: " FILE::model --prefix module.".
std::string ProposedArguments(const RuleProposal& proposal, const FileAndKey& file);

/// Says what a load with --lenient or --skip-mismatched, or both, takes of a state dict that one by `how` refuses.
/// Returns nothing if it refuses that too.
std::vector<std::string> LenientHint(torch::nn::Module& module, const StateDict& state_dict,
                                     const LoadStateDictOptions& how);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_MODEL_KEYS_H_
