#ifndef LOADPATH_TESTS_STATE_MODULES_H_
#define LOADPATH_TESTS_STATE_MODULES_H_

#include <torch/nn/module.h>

#include <memory>
#include <string>

namespace loadpath {

/// Returns small numbers, as modules.py does: element i is i % 11 + 1, times `factor`.
at::Tensor Values(at::ScalarType type, at::IntArrayRef shape, double factor = 1);

/// Returns the C++ twin of modules.py's module of that name, filled with Values(); nullptr if there is none.
std::shared_ptr<torch::nn::Module> MakeModule(const std::string& factory);

}  // namespace loadpath

#endif  // LOADPATH_TESTS_STATE_MODULES_H_
