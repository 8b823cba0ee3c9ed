#ifndef LOADPATH_HARNESS_SUITE_CHECKPOINT_MODULE_H_
#define LOADPATH_HARNESS_SUITE_CHECKPOINT_MODULE_H_

#include <torch/nn/module.h>

#include <map>
#include <memory>
#include <string>

#include "harness/state/state_dict.h"

namespace loadpath::bench {

/// A module whose state dict has the keys, shapes and dtypes of a checkpoint's. Throws UsageError with one line that
/// names the file and what is not a tensor, and the places in it where a state dict lies.
std::shared_ptr<torch::nn::Module> MirrorOf(const StateDict& state_dict);

/// SHA-256 of every tensor of a state dict as it lies in the file, read by no load path (ReadTensor).
std::map<std::string, std::string> DigestsOf(const StateDict& state_dict);

/// Compares a loaded module with them. Empty where all are equal, else one sentence.
std::string CheckAgainst(const std::map<std::string, std::string>& digests, const torch::nn::Module& module);

}  // namespace loadpath::bench

#endif  // LOADPATH_HARNESS_SUITE_CHECKPOINT_MODULE_H_
