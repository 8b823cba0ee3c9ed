#include "harness/suite/fitting_model.h"

#include <map>
#include <string>
#include <vector>

#include "harness/state/module_state.h"
#include "loadpath/deferred_init.h"

namespace loadpath {
namespace {

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

// Keys and shapes of the module's state dict.
Shapes ShapesOf(const Model& model) {
  DeferredInit deferred;
  const auto module = deferred.Construct(model.make);
  // Its values are never looked at: none of the recorded fills is to run.
  deferred.Loaded(module->parameters());
  deferred.Loaded(module->buffers());
  Shapes shapes;
  for (const auto& [name, tensor] : StateOf(*module)) shapes[name] = tensor.sizes().vec();
  return shapes;
}

}  // namespace

const Model* FittingModel(const StateDict& state_dict, std::span<const Model> models) {
  const Tree& tree = state_dict.checkpoint().tree();
  Shapes have;
  for (const StateDict::Entry& entry : state_dict.entries()) {
    if (tree.kind(entry.node) != NodeKind::kTensor) return nullptr;
    have[entry.key] = tree.tensor(entry.node).shape;
  }
  if (have.empty()) return nullptr;
  for (const Model& model : models) {
    if (ShapesOf(model) == have) return &model;
  }
  return nullptr;
}

}  // namespace loadpath
