#include "harness/suite/fitting_model.h"

#include <map>
#include <string>
#include <vector>

#include "harness/state/deferred_init.h"
#include "harness/state/module_info.h"

namespace loadpath {
namespace {

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

// Keys and shapes of the module's state dict: parameters and persistent buffers.
void AddShapes(const torch::nn::Module& module, const std::string& prefix, Shapes& shapes) {
  const auto* info = dynamic_cast<const ModuleInfo*>(&module);
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    if (parameter.value().defined()) shapes[prefix + parameter.key()] = parameter.value().sizes().vec();
  }
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) {
    if (!buffer.value().defined() || (info && info->non_persistent.contains(buffer.key()))) continue;
    shapes[prefix + buffer.key()] = buffer.value().sizes().vec();
  }
  for (const auto& child : module.named_children()) AddShapes(*child.value(), prefix + child.key() + ".", shapes);
}

Shapes ShapesOf(const Model& model) {
  DeferredInit deferred;
  const auto module = deferred.Construct(model.make);
  // Its values are never looked at: none of the recorded fills is to run.
  deferred.Loaded(module->parameters());
  deferred.Loaded(module->buffers());
  Shapes shapes;
  AddShapes(*module, "", shapes);
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
