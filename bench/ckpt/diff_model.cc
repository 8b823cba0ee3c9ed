#include <torch/nn/module.h>

#include "bench/ckpt/errors.h"
#include "bench/ckpt/model_keys.h"
#include "bench/ckpt/run_models.h"
#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/checkpoint/dict_part.h"
#include "harness/diff/differences.h"
#include "harness/inspect/state_dict_places.h"
#include "harness/suite/fitting_model.h"
#include "loadpath/load_state_dict.h"

namespace loadpath::ckpt {
namespace {

StateDict OpenStateDict(const DiffModelOptions& options) {
  const auto checkpoint = Checkpoint::Open(options.file.file, options.open);
  try {
    StateDict state_dict = StateDict::From(checkpoint, options.file.key);
    state_dict.Apply(options.rules);
    return state_dict;
  } catch (const StateDictError& error) {
    // Of a part of a dict there is no other place to name.
    const DictPart part = FindDictPart(*checkpoint, options.file.key);
    const std::string places = part.prefix.empty() ? StateDictPlaces(checkpoint->tree(), part.node, options.file) : "";
    throw UsageError("ckpt: " + Escaped(options.file.file) + ": " + Escaped(error.what()) +
                     (places.empty() ? "" : " Name a state dict: " + places));
  }
}

}  // namespace

int RunDiffModel(const DiffModelOptions& options, std::span<const Model> models) {
  const Model& model = ChooseModel(options.model, models);
  const StateDict state_dict = OpenStateDict(options);
  const std::shared_ptr<torch::nn::Module> module = model.make();
  // Keys, shapes and dtypes: a module that nothing was loaded into has no values to compare.
  const std::vector<KeyInfo> wanted = KeysOf(*module), have = KeysOf(state_dict);
  Differences differences = CompareKeys({wanted, have, options.model, options.file.text});
  differences.against_model = true;
  // PyTorch's own rules decide what is missing and what is unexpected.
  LoadCheck check = CheckLoadStateDict(*module, state_dict, {.strict = false});
  differences.missing = std::move(check.plan.missing_keys);
  differences.unexpected = std::move(check.plan.unexpected_keys);
  // Not strict, the messages leave the keys out; the shapes have a list of their own too.
  for (std::string& message : check.error_messages) {
    if (differences.shapes.empty() || !message.starts_with("size mismatch")) {
      differences.refused.push_back(std::move(message));
    }
  }
  const Model* other = FittingModel(state_dict, models);
  if (other == nullptr || other == &model) {
    differences.proposal = Proposal(*module, state_dict, options.file, options.rules);
  }
  if (differences.proposal) {
    const RuleProposal& proposal = *differences.proposal;
    StateDict proposed = StateDict::From(state_dict.shared_checkpoint(), proposal.key_path);
    proposed.Apply(proposal.rules);
    const std::vector<KeyInfo> rest = KeysOf(proposed);
    differences.causes =
        LikelyCauses({wanted, rest, options.model, options.file.text, /*both_files=*/false, CommandName()});
    differences.proposed_command = CommandName() + " diff" + ProposedArguments(proposal, options.file) + " --model " +
                                   ShellQuoted(options.model) + (options.open.opaque ? " --opaque" : "");
  } else if (!differences.equal()) {
    differences.causes = WhyNot(models, model, *module, state_dict, options.file);
  }
  const bool taken = differences.missing.empty() && differences.unexpected.empty() && check.error_messages.empty();
  if (!differences.equal() && taken && !check.plan.warnings.empty()) {
    differences.causes = {"load_state_dict takes it, and warns: " + Escaped(check.plan.warnings[0])};
  } else if (!differences.equal() && taken) {
    differences.causes = {"none: load_state_dict takes it, and converts " +
                          std::string(differences.shapes.empty() ? "the dtypes" : "[1] into a scalar")};
  }
  WriteStdout(options.json ? DiffJson(differences) : DiffText(differences));
  return differences.equal() ? kDone : kFailed;
}

}  // namespace loadpath::ckpt
