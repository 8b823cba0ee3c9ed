#ifndef LOADPATH_HARNESS_SUITE_USER_CHECKPOINT_H_
#define LOADPATH_HARNESS_SUITE_USER_CHECKPOINT_H_

#include <torch/nn/module.h>

#include <map>
#include <memory>
#include <string>

#include "loadpath/state_dict.h"

namespace loadpath {

/// Returns a module whose state dict has the keys, shapes and dtypes of `state_dict`, with zeros in what is floating
/// point: construct it without initialisation (DeferredInit). Throws UsageError with
/// one line that names the file and the value: if it is not a tensor (the line says where in the file a state dict
/// lies), if no module can have a parameter of its name, if this LibTorch lacks its dtype, or if it has more elements
/// than its storage.
std::shared_ptr<torch::nn::Module> ModuleLike(const StateDict& state_dict);

/// The dtypes of a module's parameters and buffers by name.
using Dtypes = std::map<std::string, at::ScalarType>;
Dtypes DtypesOf(const torch::nn::Module& module);

/// Compares every tensor of a loaded module with the file's, which ReadTensor reads: no load path has a part in it. A
/// tensor may have the file's dtype or the one it was `constructed` with; the expected values are the file's, cast to
/// that dtype by at::Tensor::to. Returns one sentence, or nothing if all are equal.
std::string CheckAgainstFile(const StateDict& state_dict, const torch::nn::Module& module, const Dtypes& constructed);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_USER_CHECKPOINT_H_
