#ifndef LOADPATH_MODELS_MODELS_H_
#define LOADPATH_MODELS_MODELS_H_

#include <span>
#include <string_view>

#include "loadpath/model.h"

namespace loadpath {

/// Returns the bundled models in the order of models.def. The Python twin of models/FILE.cc is models/FILE.py.
std::span<const Model> Models();
/// Returns the bundled model of that name, or nullptr if there is none.
const Model* FindModel(std::string_view name);

}  // namespace loadpath

#endif  // LOADPATH_MODELS_MODELS_H_
