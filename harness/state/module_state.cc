#include "harness/state/module_state.h"

#include "loadpath/module_info.h"

namespace loadpath {
namespace {

using State = std::vector<std::pair<std::string, at::Tensor>>;

void Append(const torch::nn::Module& module, const std::string& prefix, State& state) {
  const auto* info = dynamic_cast<const ModuleInfo*>(&module);
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    if (parameter.value().defined()) state.emplace_back(prefix + parameter.key(), parameter.value());
  }
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) {
    if (!buffer.value().defined() || (info && info->non_persistent.contains(buffer.key()))) continue;
    state.emplace_back(prefix + buffer.key(), buffer.value());
  }
  for (const auto& child : module.named_children()) Append(*child.value(), prefix + child.key() + ".", state);
}

}  // namespace

std::set<std::string> NonPersistentOf(const torch::nn::Module& module) {
  std::set<std::string> names;
  module.apply([&names](const std::string& prefix, const torch::nn::Module& part) {
    const auto* info = dynamic_cast<const ModuleInfo*>(&part);
    if (info == nullptr) return;
    for (const std::string& name : info->non_persistent) names.insert(prefix.empty() ? name : prefix + "." + name);
  });
  return names;
}

State StateOf(const torch::nn::Module& module) {
  State state;
  Append(module, "", state);
  return state;
}

}  // namespace loadpath
