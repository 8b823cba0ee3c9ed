#ifndef LOADPATH_BENCH_CKPT_LOAD_CHOICE_H_
#define LOADPATH_BENCH_CKPT_LOAD_CHOICE_H_

#include <string>
#include <vector>

#include "harness/diff/causes.h"
#include "harness/load/load_path.h"
#include "models/model.h"

namespace loadpath::ckpt {

/// What the command line names; UsageError, with the nearest name and all names, for what is not there.
const Model& ChooseModel(const std::string& name);
const LoadPath& ChooseLoadPath(const std::string& name);

/// The tensors of a module's state dict.
std::vector<KeyInfo> KeysOf(torch::nn::Module& module);
/// The tensors of a state dict in a checkpoint.
std::vector<KeyInfo> KeysOf(const StateDict& state_dict);

/// Why this state dict does not fit this model: LikelyCauses, the key path where the state dict lies, and the model
/// that it does fit.
std::vector<std::string> WhyNot(const Model& model, torch::nn::Module& module, const StateDict& state_dict,
                                const std::string& file, const std::string& key_path);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_LOAD_CHOICE_H_
