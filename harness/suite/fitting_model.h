#ifndef LOADPATH_HARNESS_SUITE_FITTING_MODEL_H_
#define LOADPATH_HARNESS_SUITE_FITTING_MODEL_H_

#include <span>

#include "loadpath/model.h"
#include "loadpath/state_dict.h"

namespace loadpath {

/// Returns the first model whose state dict has exactly the keys and shapes of `state_dict`, whatever the dtypes;
/// nullptr if there is none.
const Model* FittingModel(const StateDict& state_dict, std::span<const Model> models);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_FITTING_MODEL_H_
