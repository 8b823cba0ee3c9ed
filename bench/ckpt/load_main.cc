#include <c10/util/Exception.h>
#include <torch/nn/module.h>

#include <cstdio>
#include <new>
#include <system_error>

#include "bench/ckpt/diff.h"
#include "bench/ckpt/load.h"
#include "bench/ckpt/load_choice.h"
#include "bench/ckpt/options.h"
#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/load/mapping_guard.h"
#include "harness/state/deferred_init.h"

namespace loadpath::ckpt {
namespace {

int Load(const LoadOptions& options) {
  const LoadRecord record = RunLoad(options);
  WriteStdout(Report(record, options.json));
  if (!record.refusal.empty()) {
    // As Python's str(exception), on lines of its own: scripts compare it.
    std::fprintf(stderr, "%s\n", record.refusal.c_str());
    for (const std::string& hint : record.hints) std::fprintf(stderr, "hint: %s\n", hint.c_str());
  } else {
    for (const std::string& error : record.errors) {
      std::fprintf(stderr, "ckpt: %s: %s\n", Escaped(options.file).c_str(), Escaped(error).c_str());
    }
  }
  return record.errors.empty() ? kDone : kFailed;
}

StateDict OpenStateDict(const DiffOptions& options) {
  const auto checkpoint = Checkpoint::Open(options.file, options.open);
  try {
    return StateDict::From(checkpoint, options.key);
  } catch (const StateDictError& error) {
    throw UsageError("ckpt: " + Escaped(options.file) + ": " + Escaped(error.what()));
  }
}

// Keys, shapes and dtypes: a module that nothing was loaded into has no values to compare.
int DiffModel(const DiffOptions& options) {
  const Model& model = ChooseModel(options.model);
  StateDict state_dict = OpenStateDict(options);
  if (!options.prefix.empty()) state_dict.RemovePrefix(options.prefix);
  const std::shared_ptr<torch::nn::Module> module = model.make();
  const std::vector<KeyInfo> wanted = KeysOf(*module), have = KeysOf(state_dict);
  Differences differences = CompareKeys({wanted, have, options.model, options.file});
  // PyTorch's own rules decide what is missing and what is unexpected.
  LoadCheck check = CheckLoadStateDict(*module, state_dict);
  differences.missing = std::move(check.plan.missing_keys);
  differences.unexpected = std::move(check.plan.unexpected_keys);
  if (!differences.equal()) differences.causes = WhyNot(model, *module, state_dict, options.file, options.key);
  const DiffOutcome outcome = Report(differences, options.json);
  WriteStdout(outcome.text);
  return outcome.equal ? kDone : kFailed;
}

int Run(int argc, char** argv) {
  InstallMappingGuard("ckpt");
  const Options options = ParseOptions(argc, argv);
  if (!options.NeedsModel()) throw UsageError("ckpt-load: it is a part of ckpt and does load and diff --model");
  return OrOutOfMemory(options.File(), "could not be handled", [&] {
    try {
      return options.command == Command::kLoad ? Load(options.load) : DiffModel(options.diff);
    } catch (const c10::OutOfMemoryError&) {
      throw std::bad_alloc();
    } catch (const std::system_error&) {  // a thread that could not be had: no room for its stack
      throw std::bad_alloc();
    }
  });
}

}  // namespace
}  // namespace loadpath::ckpt

int main(int argc, char** argv) { return loadpath::ckpt::Guarded(loadpath::ckpt::Run, argc, argv); }
