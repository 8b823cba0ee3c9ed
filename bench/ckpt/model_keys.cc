#include "bench/ckpt/model_keys.h"

#include <torch/nn/module.h>

#include <algorithm>
#include <set>

#include "harness/base/error.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/state/deferred_init.h"
#include "harness/state/module_info.h"
#include "harness/state/scalar_type.h"

namespace loadpath::ckpt {
namespace {

template <class Members>
[[noreturn]] void NoSuch(const std::string& what, const std::string& name, const Members& members) {
  std::vector<std::string> names;
  std::string list;
  for (const auto& member : members) {
    names.emplace_back(member.name);
    list += (list.empty() ? "" : ", ") + names.back();
  }
  const std::string nearest = Nearest(name, names);
  throw UsageError("ckpt: no " + what + " " + Escaped(name) +
                   (nearest.empty() ? "" : "; did you mean " + nearest + "?") + " (" + list + ")");
}

void AppendKeys(torch::nn::Module& module, const std::string& prefix, std::vector<KeyInfo>& keys) {
  const auto* info = dynamic_cast<const ModuleInfo*>(&module);
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    if (!tensor.defined()) return;
    const auto dtype = FromScalarType(tensor.scalar_type());
    keys.push_back(
        {prefix + name, dtype ? std::string(Name(*dtype)) : c10::toString(tensor.scalar_type()), tensor.sizes().vec()});
  };
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) add(parameter.key(), parameter.value());
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) {
    if (!info || !info->non_persistent.contains(buffer.key())) add(buffer.key(), buffer.value());
  }
  for (const auto& child : module.named_children()) AppendKeys(*child.value(), prefix + child.key() + ".", keys);
}

// Returns the model whose state dict has exactly these keys and shapes, or an empty name.
std::string FittingModel(std::span<const KeyInfo> have) {
  std::set<std::pair<std::string, std::vector<std::int64_t>>> set;
  for (const KeyInfo& info : have) set.emplace(info.key, info.shape);
  for (const Model& model : Models()) {
    DeferredInit deferred;
    const auto module = deferred.Construct([&] { return model.make(); });
    const std::vector<KeyInfo> wanted = KeysOf(*module);
    std::vector<at::Tensor> all = module->parameters();
    for (const at::Tensor& buffer : module->buffers()) all.push_back(buffer);
    deferred.Loaded(all);
    const auto is_there = [&](const KeyInfo& info) { return set.contains({info.key, info.shape}); };
    if (!wanted.empty() && wanted.size() == set.size() && std::ranges::all_of(wanted, is_there))
      return std::string(model.name);
  }
  return "";
}

}  // namespace

const Model& ChooseModel(const std::string& name) {
  if (const Model* model = FindModel(name)) return *model;
  NoSuch("model", name, Models());
}

const LoadPath& ChooseLoadPath(const std::string& name) {
  if (const LoadPath* path = FindLoadPath(name)) return *path;
  NoSuch("load path", name, LoadPaths());
}

std::vector<KeyInfo> KeysOf(torch::nn::Module& module) {
  std::vector<KeyInfo> keys;
  AppendKeys(module, "", keys);
  return keys;
}

std::vector<KeyInfo> KeysOf(const StateDict& state_dict) {
  const Tree& tree = state_dict.checkpoint().tree();
  std::vector<KeyInfo> keys;
  for (const StateDict::Entry& entry : state_dict.entries()) {
    if (tree.kind(entry.node) != NodeKind::kTensor) continue;
    const TensorView& tensor = tree.tensor(entry.node);
    keys.push_back({entry.key, std::string(Name(tensor.dtype)), tensor.shape});
  }
  return keys;
}

std::vector<std::string> WhyNot(const Model& model, torch::nn::Module& module, const StateDict& state_dict,
                                const FileAndKey& file) {
  const std::vector<KeyInfo> wanted = KeysOf(module), have = KeysOf(state_dict);
  const std::span<const std::string> warnings = state_dict.checkpoint().warnings();
  if (have.empty() && !warnings.empty()) return {warnings.begin(), warnings.end()};
  const std::string nested = FindNested(state_dict.checkpoint(), wanted, file.key);
  if (!nested.empty()) return {NestedCause(file, nested)};
  if (const std::string other = FittingModel(have); !other.empty() && other != model.name) {
    return {"these are the keys of model " + other + ": --model " + other};
  }
  return LikelyCauses({wanted, have, std::string(model.name), file.text});
}

}  // namespace loadpath::ckpt
