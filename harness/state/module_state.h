#ifndef LOADPATH_HARNESS_STATE_MODULE_STATE_H_
#define LOADPATH_HARNESS_STATE_MODULE_STATE_H_

#include <torch/nn/module.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace loadpath {

/// Returns what Python's state_dict() holds, in its order: the parameters and persistent buffers that are defined.
std::vector<std::pair<std::string, at::Tensor>> StateOf(const torch::nn::Module& module);

/// Returns the full names of the buffers that ModuleInfo says are not persistent.
std::set<std::string> NonPersistentOf(const torch::nn::Module& module);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_MODULE_STATE_H_
