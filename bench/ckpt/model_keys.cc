#include "bench/ckpt/model_keys.h"

#include "harness/base/error.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/state/module_state.h"
#include "harness/state/scalar_type.h"
#include "harness/suite/fitting_model.h"

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
  throw UsageError("ckpt: no " + what + " " + Escaped(name) + DidYouMean(name, names) + " (" + list + ")");
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

std::vector<KeyInfo> KeysOf(const torch::nn::Module& module) {
  std::vector<KeyInfo> keys;
  for (const auto& [name, tensor] : StateOf(module)) {
    const auto dtype = FromScalarType(tensor.scalar_type());
    keys.push_back(
        {name, dtype ? std::string(Name(*dtype)) : c10::toString(tensor.scalar_type()), tensor.sizes().vec()});
  }
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
                                const FileAndKey& file, const std::string& removed_prefix) {
  const std::vector<KeyInfo> wanted = KeysOf(module), have = KeysOf(state_dict);
  const std::span<const std::string> warnings = state_dict.checkpoint().warnings();
  if (have.empty() && !warnings.empty()) return {warnings.begin(), warnings.end()};
  if (const auto nested = FindNested(state_dict.checkpoint(), wanted, file.key)) return {NestedCause(file, *nested)};
  if (const Model* other = FittingModel(state_dict); other != nullptr && other->name != model.name) {
    const std::string name(other->name);
    return {"these are the keys of model " + name + ": --model " + name};
  }
  return LikelyCauses({wanted, have, std::string(model.name), file.text, removed_prefix});
}

}  // namespace loadpath::ckpt
