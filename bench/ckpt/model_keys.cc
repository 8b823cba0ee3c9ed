#include "bench/ckpt/model_keys.h"

#include <unordered_map>

#include "bench/ckpt/errors.h"
#include "harness/base/error.h"
#include "harness/base/keyed_hash.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/checkpoint/limits.h"
#include "harness/state/module_state.h"
#include "harness/state/scalar_type.h"
#include "harness/suite/fitting_model.h"
#include "loadpath/load_state_dict.h"

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

// If all that is missing are other names of tensors that are there (a head tied to the embedding, of which
// save_model writes one), says so. Returns an empty text if not.
std::string TiedCause(const torch::nn::Module& module, std::span<const KeyInfo> have) {
  HashMap<std::string_view, const KeyInfo*> in_file;
  for (const KeyInfo& info : have) in_file.emplace(info.key, &info);
  const auto state = StateOf(module);
  std::unordered_map<const void*, std::string> names;  // of the tensors that the file has
  std::size_t matched = 0;
  for (const auto& [name, tensor] : state) {
    const auto found = in_file.find(name);
    if (found == in_file.end()) continue;
    if (found->second->shape != tensor.sizes().vec()) return "";
    ++matched;
    names.emplace(tensor.unsafeGetTensorImpl(), name);
  }
  std::size_t missing = 0;
  std::string example;
  for (const auto& [name, tensor] : state) {
    if (in_file.contains(name)) continue;
    const auto other = names.find(tensor.unsafeGetTensorImpl());
    if (other == names.end()) return "";
    if (missing++ == 0) example = '"' + name + "\" is the same tensor as \"" + other->second + '"';
  }
  if (missing == 0 || matched != have.size()) return "";
  return example + ", which is in the file" + (missing > 1 ? ", and so are the others" : "") + ": " + CommandName() +
         " load --lenient loads it under both names";
}

// Returns the model that the state dict at the one place fits, as it lies there.
const Model* ModelAt(std::shared_ptr<const Checkpoint> checkpoint, std::span<const NestedKeys> places,
                     std::span<const Model> models) {
  if (places.size() != 1 || !places[0].prefix.empty() || places[0].key_path.empty()) return nullptr;
  return FittingModel(StateDict::From(std::move(checkpoint), places[0].key_path), models);
}

}  // namespace

const Model& ChooseModel(const std::string& name, std::span<const Model> models) {
  for (const Model& model : models) {
    if (model.name == name) return model;
  }
  NoSuch("model", name, models);
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
    keys.back().file_key = entry.file_key;
  }
  return keys;
}

std::vector<std::string> WhyNot(std::span<const Model> models, const Model& model, torch::nn::Module& module,
                                const StateDict& state_dict, const FileAndKey& file) {
  const std::vector<KeyInfo> wanted = KeysOf(module), have = KeysOf(state_dict);
  const std::span<const std::string> warnings = state_dict.checkpoint().warnings();
  if (have.empty() && !warnings.empty()) return {warnings.begin(), warnings.end()};
  if (const auto nested = FindNested(state_dict.checkpoint(), wanted, file.key); !nested.empty()) {
    if (const Model* other = ModelAt(state_dict.shared_checkpoint(), nested, models);
        other != nullptr && other != &model) {
      return {NestedCause(file, nested) + " --model " + std::string(other->name) + ", whose keys these are"};
    }
    return {NestedCause(file, nested)};
  }
  if (const Model* other = FittingModel(state_dict, models); other != nullptr && other->name != model.name) {
    const std::string name(other->name);
    return {"these are the keys of model " + name + ": --model " + name};
  }
  if (std::string cause = TiedCause(module, have); !cause.empty()) return {std::move(cause)};
  return LikelyCauses({wanted, have, std::string(model.name), file.text, /*both_files=*/false, CommandName()});
}

std::optional<RuleProposal> Proposal(torch::nn::Module& module, const StateDict& state_dict, const FileAndKey& file,
                                     const KeyRules& rules) {
  const LoadCheck check = CheckLoadStateDict(module, state_dict, {.strict = false});
  if (check.plan.missing_keys.empty()) return std::nullopt;
  std::vector<KeyInfo> wanted = KeysOf(module);
  std::erase_if(wanted, [&](const KeyInfo& info) { return !state_dict.Wants(info.key); });
  std::optional<RuleProposal> proposal = ProposeRules(wanted, state_dict.checkpoint(), file.key);
  if (!proposal) return std::nullopt;
  // The filters are for the new names: what they leave out is not asked for under the proposed rules either.
  proposal->rules.only = rules.only;
  proposal->rules.skip = rules.skip;
  std::erase_if(proposal->unexpected,
                [&](const std::string& key) { return key.size() <= limits::kMatchedKey && !state_dict.Wants(key); });
  return proposal;
}

std::string ProposedArguments(const RuleProposal& proposal, const FileAndKey& file) {
  return " " + ShellArgument(file.file, proposal.key_path) + RuleArguments(proposal.rules);
}

std::vector<std::string> LenientHint(torch::nn::Module& module, const StateDict& state_dict,
                                     const LoadStateDictOptions& how) {
  struct Easing {
    const char* flags;
    bool lenient, skip_mismatched;
  };
  for (const Easing& easing : {Easing{"--lenient (strict=False)", true, false},
                               {"--skip-mismatched", false, true},
                               {"--lenient --skip-mismatched", true, true}}) {
    LoadStateDictOptions eased = how;
    eased.strict = how.strict && !easing.lenient;
    eased.skip_mismatched = how.skip_mismatched || easing.skip_mismatched;
    const LoadCheck check = CheckLoadStateDict(module, state_dict, eased);
    const std::size_t count = check.plan.tensors.size();
    if (!check.error_messages.empty() || count == 0) continue;
    return {std::string(easing.flags) + " loads the " + Counted(count, "key") +
            (count == 1 ? " that matches" : " that match")};
  }
  return {};
}

}  // namespace loadpath::ckpt
