#ifndef LOADPATH_BENCH_CKPT_MODEL_KEYS_H_
#define LOADPATH_BENCH_CKPT_MODEL_KEYS_H_

#include <string>
#include <vector>

#include "harness/diff/causes.h"
#include "harness/inspect/file_and_key.h"
#include "harness/load/load_path.h"
#include "models/model.h"

namespace loadpath::ckpt {

/// Finds a model, or a load path, by its name on the command line. Throws UsageError with the nearest name and all
/// names if there is none.
const Model& ChooseModel(const std::string& name);
const LoadPath& ChooseLoadPath(const std::string& name);

/// Returns the tensors of a module's state dict.
std::vector<KeyInfo> KeysOf(const torch::nn::Module& module);
/// Returns the tensors of a state dict in a checkpoint, once `prefix` is removed.
std::vector<KeyInfo> KeysOf(const StateDict& state_dict, const std::string& prefix = {});

/// Returns why this state dict, as the file has it, does not fit this model once `prefix` is removed: the key path
/// where the state dict lies, the model that it does fit, tied tensors of which one is
/// there, or LikelyCauses.
std::vector<std::string> WhyNot(const Model& model, torch::nn::Module& module, const StateDict& state_dict,
                                const FileAndKey& file, const std::string& prefix);

/// Says what a load that is not strict takes of a state dict that strict refuses. Returns nothing if it refuses that
/// too.
std::vector<std::string> LenientHint(torch::nn::Module& module, const StateDict& state_dict, const std::string& prefix);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_MODEL_KEYS_H_
