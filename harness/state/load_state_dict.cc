#include "loadpath/load_state_dict.h"

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/instancenorm.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "harness/state/apply.h"
#include "harness/state/copy_rules.h"
#include "harness/state/python_text.h"
#include "harness/state/scalar_type.h"
#include "loadpath/deferred_init.h"
#include "loadpath/module_info.h"

namespace loadpath {
namespace {

// What Python's _NormBase adds to Module.
struct Norm {
  bool track_running_stats;
  bool instance;
};

// Returns nullopt if the module is none of these.
template <class... Modules>
std::optional<Norm> NormOf(const torch::nn::Module& module, bool instance) {
  std::optional<Norm> norm;
  const auto probe = [&](const auto* typed) {
    if (typed) norm = Norm{typed->options.track_running_stats(), instance};
  };
  (probe(dynamic_cast<const Modules*>(&module)), ...);
  return norm;
}

std::optional<Norm> NormOf(const torch::nn::Module& module) {
  namespace nn = torch::nn;
  auto norm = NormOf<nn::BatchNorm1dImpl, nn::BatchNorm2dImpl, nn::BatchNorm3dImpl>(module, false);
  if (!norm) norm = NormOf<nn::InstanceNorm1dImpl, nn::InstanceNorm2dImpl, nn::InstanceNorm3dImpl>(module, true);
  return norm;
}

constexpr std::string_view kExtraState = "_extra_state";

// Does what `load` in torch.nn.Module.load_state_dict does (torch/nn/modules/module.py, 2.15), without the copies.
// PyTorch filters the whole dict for every child; this groups the keys of a module by child once.
class Planner {
 public:
  Planner(const StateDict& state_dict, const LoadStateDictOptions& options, LoadCheck& check)
      : state_dict_(state_dict),
        tree_(state_dict.checkpoint().tree()),
        options_(options),
        plan_(check.plan),
        errors_(check.error_messages) {}

  void Run(torch::nn::Module& module) {
    if (!state_dict_.key_error().empty()) throw StateDictError(state_dict_.key_error());
    std::vector<std::uint32_t> keys(state_dict_.entries().size());
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<std::uint32_t>(i);
    plan_.tensors.reserve(keys.size());
    plan_.report.reserve(keys.size());
    Visit(module, "", std::move(keys));
    state_dict_.RequireSkipMatch(left_out_);
    for (const std::string& key : state_dict_.left_out()) plan_.report.push_back({"", KeyOutcome::kLeftOut, key});
    const auto& unused = state_dict_.unused_rename();
    plan_.warnings.insert(plan_.warnings.end(), unused.begin(), unused.end());
  }

 private:
  // `keys` are the state dict's entries that begin with `prefix`, in the state dict's order.
  void Visit(torch::nn::Module& module, const std::string& prefix, std::vector<std::uint32_t> keys) {
    const auto* info = dynamic_cast<const ModuleInfo*>(&module);
    bool default_counter = false;
    std::unordered_set<std::string_view> refused;
    if (const auto norm = NormOf(module)) {
      const auto version = state_dict_.Version(prefix.substr(0, prefix.empty() ? 0 : prefix.size() - 1));
      default_counter = norm->track_running_stats && (!version || *version < 2);
      if (norm->instance && !version && !norm->track_running_stats) refused = RefuseRunningStats(module, prefix);
    }

    const auto is_persistent = [info](const std::string& buffer) {
      return info == nullptr || !info->non_persistent.contains(buffer);
    };
    const auto load = [&](const auto& tensors, bool is_parameter) {
      for (const auto& item : tensors) {
        if (!is_parameter && !is_persistent(item.key())) continue;
        const std::string key = prefix + item.key();
        const StateDict::Entry* entry = refused.contains(key) ? nullptr : state_dict_.Find(key);
        if (entry) {
          Plan({key, &module, item.key(), is_parameter, item.value(), entry->node, entry->file_key});
        } else if (!state_dict_.Wants(key)) {
          left_out_.push_back(key);
          Report(key, KeyOutcome::kLeftOut);
        } else if (default_counter && item.key() == "num_batches_tracked") {
          Report(key, KeyOutcome::kDefaulted);
        } else {
          plan_.missing_keys.push_back(key);
          Report(key, KeyOutcome::kMissing);
        }
      }
    };
    const auto parameters = module.named_parameters(/*recurse=*/false);
    const auto buffers = module.named_buffers(/*recurse=*/false);
    load(parameters, true);
    load(buffers, false);
    const auto is_local = [&](const std::string& name) {
      return parameters.contains(name) || (buffers.contains(name) && is_persistent(name));
    };

    const auto children = module.named_children();
    std::unordered_map<std::string_view, std::size_t> child_index;
    for (std::size_t i = 0; i < children.size(); ++i) child_index.emplace(children[i].key(), i);
    std::vector<std::vector<std::uint32_t>> child_keys(children.size());

    const std::string extra_state = prefix + std::string(kExtraState);
    if (const StateDict::Entry* entry = state_dict_.Find(extra_state)) Unexpected(*entry);
    for (const std::uint32_t index : keys) {
      const StateDict::Entry& entry = state_dict_.entries()[index];
      const std::string& key = entry.key;
      if (key == extra_state || refused.contains(key)) continue;
      const std::string_view rest = std::string_view(key).substr(prefix.size());
      const std::size_t dot = rest.find('.');
      const std::string_view first = rest.substr(0, dot);
      if (dot == rest.npos) {
        const std::string name(first);
        if (is_local(name)) continue;
        if (holds_every_buffer_ && !is_persistent(name)) {
          Report(key, KeyOutcome::kIgnored, entry.file_key);
        } else {
          Unexpected(entry);
        }
      } else if (const auto child = child_index.find(first); child != child_index.end()) {
        child_keys[child->second].push_back(index);
      } else if (info && info->none_modules.contains(std::string(first))) {
        Report(key, KeyOutcome::kIgnored, entry.file_key);
      } else {
        Unexpected(entry);
      }
    }
    keys = {};
    for (std::size_t i = 0; i < children.size(); ++i) {
      Visit(*children[i].value(), prefix + children[i].key() + ".", std::move(child_keys[i]));
    }
  }

  // Does the rest of Module._load_from_state_dict for a key that is there.
  void Plan(PlannedTensor planned) {
    const std::string& key = planned.key;
    const auto inert = AsInertTensor(tree_, planned.source);
    const bool dense = tree_.kind(planned.source) == NodeKind::kTensor;
    if (!dense && !inert) {
      return Refuse(planned, "While copying the parameter named \"" + key +
                                 "\", expected torch.Tensor or Tensor-like object from checkpoint but received " +
                                 tree_.TypeText(planned.source));
    }
    if (dense && !FindScalarType(tree_.tensor(planned.source).dtype)) {
      return Refuse(planned,
                    "While copying the parameter named \"" + key + "\", found dtype torch." +
                        std::string(Name(tree_.tensor(planned.source).dtype)) +
                        ", which this LibTorch does not have: use a newer LibTorch, or save it as another dtype");
    }
    at::IntArrayRef shape = planned.shape();
    if (dense) shape = tree_.tensor(planned.source).shape;
    if (inert && inert->shape) shape = *inert->shape;
    // PyTorch 0.3 wrote one element as [1].
    if (planned.shape().empty() && shape.size() == 1 && shape[0] == 1) shape = {};
    if (shape != planned.shape()) {
      std::string message = "size mismatch for " + key + ": copying a param with shape " + SizeText(shape) +
                            " from checkpoint, the shape in current model is " + SizeText(planned.shape()) + ".";
      if (!options_.skip_mismatched) return Refuse(planned, std::move(message));
      plan_.mismatched.push_back(std::move(message));
      return Report(key, KeyOutcome::kMismatched, planned.file_key);
    }
    const bool to_meta = planned.target.is_meta() && !options_.assign;
    if (to_meta && !(inert && inert->layout == InertTensor::Layout::kMeta)) {
      plan_.warnings.push_back(
          "for " + key +
          ": copying from a non-meta parameter in the checkpoint to a meta parameter in the current model, which is a "
          "no-op. (Did you mean to pass `assign=True` to assign items in the state dictionary to their corresponding "
          "key "
          "in the module instead of copying them in place?)");
    }
    if (const auto error = Error(planned, inert)) {
      return Refuse(planned, "While copying the parameter named \"" + key + "\", whose dimensions in the model are " +
                                 SizeText(planned.shape()) + " and whose dimensions in the checkpoint are " +
                                 SizeText(shape) + ", an exception occurred : (" + StringRepr(*error) + ",).");
    }
    if (to_meta) return Report(key, KeyOutcome::kIgnored, planned.file_key);
    Accept(std::move(planned));
  }

  std::optional<std::string> Error(const PlannedTensor& planned, const std::optional<InertTensor>& inert) {
    if (inert && options_.assign) return CopyRules::AssignError(*inert);
    if (planned.target.is_meta() && !options_.assign) return std::nullopt;
    if (inert) return rules_.CopyError(planned.target, *inert);
    const TensorView& source = tree_.tensor(planned.source);
    return options_.assign ? CopyRules::AssignError(planned.target, planned.is_parameter, source)
                           : rules_.CopyError(planned.target, source);
  }

  void Accept(PlannedTensor planned) {
    const Dtype source = tree_.tensor(planned.source).dtype;
    const bool converts = !options_.assign && ToScalarType(source) != planned.target.scalar_type();
    if (converts) {
      const std::string warning = CopyWarning(planned.target.scalar_type(), source);
      if (!warning.empty() && !std::exchange(warned_of_complex_, true)) plan_.warnings.push_back(warning);
    }
    Report(planned.key, converts ? KeyOutcome::kConverted : KeyOutcome::kLoaded, planned.file_key);
    plan_.tensors.push_back(std::move(planned));
  }

  // As _InstanceNorm._load_from_state_dict: refuses the running statistics that PyTorch before 0.4 wrote.
  std::unordered_set<std::string_view> RefuseRunningStats(const torch::nn::Module& module, const std::string& prefix) {
    std::unordered_set<std::string_view> refused;
    std::vector<std::string> keys;
    for (const char* name : {"running_mean", "running_var"}) {
      const StateDict::Entry* entry = state_dict_.Find(prefix + name);
      if (!entry) continue;
      refused.insert(entry->key);
      keys.push_back(entry->key);
      Report(entry->key, KeyOutcome::kRefused, entry->file_key);
    }
    if (keys.empty()) return refused;
    const std::string name = PythonClassName(module);
    errors_.push_back("Unexpected running stats buffer(s) " + QuotedKeys(keys, " and ") + " for " + name +
                      " with track_running_stats=False. If state_dict is a checkpoint saved before 0.4.0, this may be "
                      "expected because " +
                      name +
                      " does not track running stats by default since 0.4.0. Please remove "
                      "these keys from state_dict. If the running stats are actually needed, instead set "
                      "track_running_stats=True in " +
                      name + " to enable them. See the documentation of " + name + " for details.");
    return refused;
  }

  // `file_key` is that of the state dict's entry, if there is one.
  void Report(const std::string& key, KeyOutcome outcome, const std::string& file_key = "") {
    plan_.report.push_back({key, outcome, file_key});
  }
  void Refuse(const PlannedTensor& planned, std::string message) {
    errors_.push_back(std::move(message));
    Report(planned.key, KeyOutcome::kRefused, planned.file_key);
  }
  void Unexpected(const StateDict::Entry& entry) {
    plan_.unexpected_keys.push_back(entry.key);
    Report(entry.key, KeyOutcome::kUnexpected, entry.file_key);
  }

  const StateDict& state_dict_;
  const Tree& tree_;
  const LoadStateDictOptions& options_;
  LoadPlan& plan_;
  std::vector<std::string>& errors_;
  CopyRules rules_;
  std::vector<std::string> left_out_;
  // These archives do not record which buffers are not persistent: register_buffer's argument is Python's alone.
  const bool holds_every_buffer_ =
      state_dict_.checkpoint().format() == "torchscript" || state_dict_.checkpoint().format() == "cpp";
  bool warned_of_complex_ = false;
};

}  // namespace

std::string_view Name(KeyOutcome outcome) {
  switch (outcome) {
    case KeyOutcome::kLoaded:
      return "loaded";
    case KeyOutcome::kConverted:
      return "converted";
    case KeyOutcome::kMissing:
      return "missing";
    case KeyOutcome::kUnexpected:
      return "unexpected";
    case KeyOutcome::kIgnored:
      return "ignored";
    case KeyOutcome::kDefaulted:
      return "defaulted";
    case KeyOutcome::kLeftOut:
      return "left out";
    case KeyOutcome::kMismatched:
      return "mismatched";
    case KeyOutcome::kRefused:
      return "refused";
  }
  return "";
}

std::string PythonClassName(const torch::nn::Module& module) {
  const auto* info = dynamic_cast<const ModuleInfo*>(&module);
  if (info && !info->python_class.empty()) return info->python_class;
  std::string_view name = module.name();
  // The name is what follows the last "::" outside of brackets, without template arguments.
  std::size_t begin = 0, end = name.size();
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<' || name[i] == '(' || name[i] == '{') {
      if (depth++ == 0 && name[i] == '<') end = i;
    } else if (name[i] == '>' || name[i] == ')' || name[i] == '}') {
      --depth;
    } else if (depth == 0 && name.substr(i, 2) == "::") {
      begin = i + 2;
      end = name.size();
      ++i;
    }
  }
  name = name.substr(begin, end - begin);
  if (name.size() > 4 && name.ends_with("Impl")) name.remove_suffix(4);
  return std::string(name);
}

LoadCheck CheckLoadStateDict(torch::nn::Module& module, const StateDict& state_dict,
                             const LoadStateDictOptions& options) {
  LoadCheck check;
  try {
    Planner(state_dict, options, check).Run(module);
  } catch (const StateDictError& error) {
    check.error = error.what();
    check.error_messages = {check.error};
    return check;
  }
  auto& messages = check.error_messages;
  const auto prepend = [&](std::string_view kind, const std::vector<std::string>& keys) {
    if (options.strict && !keys.empty()) {
      messages.insert(messages.begin(), std::string(kind) + " key(s) in state_dict: " + QuotedKeys(keys) + ". ");
    }
  };
  prepend("Unexpected", check.plan.unexpected_keys);
  prepend("Missing", check.plan.missing_keys);
  if (!messages.empty()) {
    check.error = "Error(s) in loading state_dict for " + PythonClassName(module) + ":";
    for (const std::string& message : messages) check.error += "\n\t" + message;
  }
  return check;
}

LoadPlan PlanLoadStateDict(torch::nn::Module& module, const StateDict& state_dict,
                           const LoadStateDictOptions& options) {
  LoadCheck check = CheckLoadStateDict(module, state_dict, options);
  if (!check.error.empty()) throw StateDictError(check.error);
  return std::move(check.plan);
}

IncompatibleKeys LoadStateDict(torch::nn::Module& module, const StateDict& state_dict,
                               const LoadStateDictOptions& options, const ReadOptions& read) {
  LoadPlan plan = PlanLoadStateDict(module, state_dict, options);
  (options.assign ? ApplyAssign : ApplyCopy)(state_dict.checkpoint(), plan.tensors, read);
  std::vector<at::Tensor> loaded;
  for (const PlannedTensor& planned : plan.tensors) loaded.push_back(planned.target);
  DeferredInit::ForgetFills(loaded);
  return {std::move(plan.missing_keys), std::move(plan.unexpected_keys)};
}

}  // namespace loadpath
