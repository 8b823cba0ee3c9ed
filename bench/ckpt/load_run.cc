#include "bench/ckpt/load_run.h"

#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <unordered_set>

#include "bench/ckpt/errors.h"
#include "bench/ckpt/model_keys.h"
#include "bench/ckpt/reference_check.h"
#include "harness/base/error.h"
#include "harness/base/new_file.h"
#include "harness/base/stopwatch.h"
#include "harness/base/text.h"
#include "harness/golden/safetensors_io.h"
#include "harness/measure/counters.h"
#include "harness/measure/memory.h"
#include "harness/state/module_state.h"
#include "loadpath/deferred_init.h"
#include "loadpath/device.h"
#include "loadpath/tensor_allocator.h"

namespace loadpath::ckpt {
namespace {

constexpr std::string_view kGoldenInput = "input.", kGoldenOutput = "output.";

// Returns the bytes that the module's tensors on the CPU occupy, each storage once.
std::uint64_t StorageBytes(const torch::nn::Module& module) {
  std::unordered_set<const void*> seen;
  std::uint64_t bytes = 0;
  const auto add = [&](const at::Tensor& tensor) {
    if (tensor.defined() && tensor.is_cpu() && seen.insert(tensor.storage().unsafeGetStorageImpl()).second) {
      bytes += tensor.storage().nbytes();
    }
  };
  for (const at::Tensor& tensor : module.parameters()) add(tensor);
  for (const at::Tensor& tensor : module.buffers()) add(tensor);
  return bytes;
}

// Reads the tensors 0, 1, … of a safetensors file, in that order; of a golden file, its tensors input.0, input.1, ….
std::vector<at::Tensor> NumberedInputs(const std::string& file) {
  auto named = ReadSafetensors(file);
  if (std::ranges::any_of(named, [](const auto& item) { return item.first.starts_with(kGoldenInput); })) {
    std::erase_if(named, [](const auto& item) { return item.first.starts_with(kGoldenOutput); });
    for (auto& [name, tensor] : named) {
      if (name.starts_with(kGoldenInput)) name.erase(0, kGoldenInput.size());
    }
  }
  std::vector<at::Tensor> inputs(named.size());
  for (const auto& [name, tensor] : named) {
    std::size_t index = inputs.size();
    std::from_chars(name.data(), name.data() + name.size(), index);
    if (index >= inputs.size() || std::to_string(index) != name || inputs[index].defined()) {
      throw UsageError(
          "ckpt: " + Escaped(file) + ": its tensor " + Escaped(name) +
          " is not an input: they are named 0, 1, ... (or input.0, input.1, ...) in order of the arguments");
    }
    inputs[index] = tensor;
  }
  if (inputs.empty()) throw UsageError("ckpt: " + Escaped(file) + ": it holds no tensors; inputs are named 0, 1, ...");
  return inputs;
}

void WriteOutputs(const std::string& file, std::span<const at::Tensor> outputs) {
  std::vector<std::pair<std::string, at::Tensor>> named;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    named.emplace_back(std::to_string(i), outputs[i].detach().cpu().contiguous());
  WriteSafetensors(file, named);
}

// Fills in why PyTorch refuses the state dict, as lists instead of a text, and the likely causes.
void DescribeRefusal(LoadRecord& record, const LoadOptions& options, std::span<const Model> models, const Model& model,
                     torch::nn::Module& module, const StateDict& state_dict, const LoadStateDictOptions& how) {
  const LoadCheck check = CheckLoadStateDict(module, state_dict, how);
  record.missing_keys = check.plan.missing_keys;
  record.unexpected_keys = check.plan.unexpected_keys;
  if (!check.error_messages.empty()) record.errors = check.error_messages;
  record.hints = WhyNot(models, model, module, state_dict, options.file);
  // One prefix, or another key, is a hint already.
  const std::optional<RuleProposal> proposal = Proposal(module, state_dict, options.file, options.rules);
  if (proposal && (record.hints.empty() || !proposal->rules.rename.empty() || proposal->rules.prefixes.size() > 1)) {
    const std::string key = proposal->key_path == options.file.key || proposal->key_path.empty()
                                ? ""
                                : " " + KeyArgument(options.file, proposal->key_path);
    record.hints.push_back(std::to_string(proposal->matched) + " of " + Counted(proposal->wanted, "key") +
                           " match with" + key + RuleArguments(proposal->rules) + " (" + CommandName() + " diff " +
                           ShellArgument(options.file.file) + " --model " + ShellQuoted(options.model) + " shows how)" +
                           (proposal->by_order() ? "; " + std::string(kByOrder) : ""));
  }
  if (record.hints.empty()) record.hints = LenientHint(module, state_dict, how);
}

// Returns "linear.weight is float16, not float32": a tensor whose dtype is not the one that the model is constructed
// with. Returns an empty text if there is none.
std::string KeptDtype(const Model& model, const torch::nn::Module& module) {
  DeferredInit deferred;
  const std::vector<KeyInfo> constructed = KeysOf(*deferred.Construct([&] { return model.make(); }));
  const std::vector<KeyInfo> loaded = KeysOf(module);
  const auto [was, is] = std::ranges::mismatch(constructed, loaded, {}, &KeyInfo::dtype, &KeyInfo::dtype);
  return is == loaded.end() ? "" : Escaped(is->key) + " is " + is->dtype + ", not " + was->dtype;
}

std::vector<at::Tensor> RunForward(const Model& model, torch::nn::Module& module, std::vector<at::Tensor> inputs,
                                   at::Device device, const LoadOptions& options) {
  const at::NoGradGuard no_grad;
  for (at::Tensor& input : inputs) input = input.to(device);
  try {
    std::vector<at::Tensor> outputs = model.forward(module, inputs);
    // On a GPU the pass has ended once its result is here.
    for (at::Tensor& output : outputs) output = output.cpu();
    return outputs;
  } catch (const std::exception& error) {
    const std::string what = error.what(), line = Escaped(std::string_view(what).substr(0, what.find('\n')));
    if (const std::string kept = KeptDtype(model, module); !kept.empty()) {
      throw UsageError("ckpt: " + Escaped(options.file.file) + ": " + options.model + " does not run: " + line +
                       "; by " + options.via + " it has the file's dtypes (" + kept + "): --via direct converts them");
    }
    if (options.input.empty()) throw;
    throw UsageError("ckpt: " + Escaped(options.input) + ": " + options.model + " does not take these inputs: " + line);
  }
}

// Loads into `module` by `path`. Returns nullopt, and fills in the refusal, if PyTorch refuses the state dict.
std::optional<LoadResult> LoadInto(torch::nn::Module& module, std::span<const Model> models, const Model& model,
                                   const LoadPath& path, const LoadRequest& request, const LoadOptions& options,
                                   LoadRecord& record) {
  try {
    return path.load(request);
  } catch (const StateDictError& error) {
    record.refusal = error.what();
    record.errors = {record.refusal};
    try {
      StateDict state_dict = StateDict::From(request.checkpoint, request.key_path);
      state_dict.Apply(request.rules);
      DescribeRefusal(record, options, models, model, module, state_dict, request.options);
    } catch (const StateDictError&) {
      // It is not a dict of texts, so that no key can be compared.
      const Tree& tree = request.checkpoint->tree();
      const std::string inspect = CommandName() + " inspect " + ShellArgument(options.file.file);
      record.hints = {ListTensors(tree, tree.root()).size() > 1
                          ? inspect + " shows where a state dict lies"
                          : "there is no state dict in this file: " + inspect + " shows what it holds"};
      if (const auto nested = FindNested(*request.checkpoint, KeysOf(module), options.file.key); !nested.empty()) {
        record.hints = {NestedCause(options.file, nested)};
      }
    }
    return std::nullopt;
  } catch (const Skipped& reason) {
    throw UsageError("ckpt: " + Escaped(options.file.file) + ": " + options.via +
                     " cannot take this: " + Escaped(reason.what()));
  }
}

// Returns for each missing key what its tensor holds.
std::vector<std::string> MissingNotes(const LoadResult& result, const torch::nn::Module& module) {
  std::unordered_set<const void*> loaded;
  for (const at::Tensor& tensor : result.loaded) loaded.insert(tensor.unsafeGetTensorImpl());
  std::unordered_set<std::string> filled;
  for (const auto& [name, tensor] : StateOf(module)) {
    if (loaded.contains(tensor.unsafeGetTensorImpl())) filled.insert(name);
  }
  std::vector<std::string> notes;
  for (const std::string& key : result.keys.missing_keys) {
    notes.emplace_back(filled.contains(key) ? "is another name of a tensor that was loaded"
                                            : "keeps its initial values");
  }
  return notes;
}

void FillInCosts(LoadRecord& record, const LoadResult& result, const torch::nn::Module& module, PeakMemory& peak,
                 const ProcessCounters& before) {
  peak.Stop();
  const ProcessCounters used = ReadProcessCounters() - before;
  record.minor_faults = used.minor_faults;
  record.major_faults = used.major_faults;
  record.cpu_seconds = static_cast<double>(used.cpu_ns) * 1e-9;
  const std::uint64_t bytes = StorageBytes(module);
  record.peak_extra_bytes = peak.Extra(bytes - std::min(bytes, result.bytes_mapped));
  record.bytes = result.bytes_loaded;
  record.bytes_mapped = result.bytes_mapped;
  record.missing_keys = result.keys.missing_keys;
  record.unexpected_keys = result.keys.unexpected_keys;
  record.missing_notes = MissingNotes(result, module);
  record.mismatched = result.mismatched;
  for (const KeyReport& key : result.report) {
    if (key.outcome != KeyOutcome::kLeftOut) continue;
    if (key.key.empty()) {
      ++record.left_out_of_file;
    } else {
      record.left_out.push_back(key.key);
    }
  }
  record.warnings = result.warnings;
  record.fallback = result.fallback;
  record.choice = result.choice;
}

// PyTorch says nothing if strict=False finds no key at all, nor do filters that leave none.
void WarnIfNothingLoaded(LoadRecord& record, std::span<const Model> models, const Model& model,
                         torch::nn::Module& module, const StateDict& state_dict, const LoadOptions& options) {
  const std::size_t keys = StateOf(module).size();
  if (keys == 0) return;
  if (record.missing_keys.size() == keys) {
    record.warnings.push_back("nothing was loaded: none of the keys of " + options.model + " is in the file");
  } else {
    std::vector<std::string> reasons;
    const auto add = [&](std::size_t count, const char* why) {
      if (count > 0) reasons.push_back(std::to_string(count) + " " + why);
    };
    add(record.mismatched.size(), "of another shape");
    add(record.left_out.size(), "left out by --only or --skip");
    add(record.missing_keys.size(), "not in the file");
    std::string sentence = "nothing was loaded: of the " + Counted(keys, "key") + " of " + options.model + ", ";
    for (std::size_t i = 0; i < reasons.size(); ++i) sentence += (i == 0 ? "" : ", ") + reasons[i];
    record.warnings.push_back(std::move(sentence));
  }
  if (!record.missing_keys.empty()) record.hints = WhyNot(models, model, module, state_dict, options.file);
}

at::Device ChosenDevice(const std::string& name) {
  try {
    return OpenDevice(name);
  } catch (const UsageError& error) {
    throw UsageError(std::string("ckpt: ") + Escaped(error.what()));
  } catch (const DeviceError& error) {
    throw UsageError(std::string("ckpt: ") + Escaped(error.what()) + "; use --device cpu");
  }
}

}  // namespace

LoadRecord Load(std::span<const Model> models, const Model& model, const LoadPath& path, at::Device device,
                const LoadOptions& options) {
  std::vector<at::Tensor> inputs = options.input.empty() ? model.example_inputs(1) : NumberedInputs(options.input);
  LoadRecord record;
  record.file = options.file.file;
  record.model = options.model;
  record.path = options.via;
  record.device = options.device;
  record.key = options.file.key;

  PeakMemory peak;
  const ProcessCounters before = ReadProcessCounters();
  DeferredInit deferred;
  std::optional<ScopedTensorAllocator> loading(std::in_place);
  Stopwatch watch;
  const std::shared_ptr<torch::nn::Module> module = deferred.Construct([&] { return model.make(); });
  record.seconds.construct = watch.Lap();
  const auto checkpoint = Checkpoint::Open(options.file.file, options.open);
  record.seconds.open = watch.Lap();
  if (!options.output.empty()) {
    RefuseToOverwrite(options.output, FilesOf(*checkpoint), "the checkpoint itself");
    RefuseToOverwrite(options.output, std::span(&options.input, 1), "the input itself");
    watch.Lap();
  }
  LoadRequest request{.file = options.file.file,
                      .key_path = options.file.key,
                      .checkpoint = checkpoint,
                      .open = options.open,
                      .rules = options.rules,
                      .module = *module,
                      .device = device,
                      .read = {.crc = options.crc}};
  request.options.strict = !options.lenient;
  request.options.skip_mismatched = options.skip_mismatched;
  const std::optional<LoadResult> result = LoadInto(*module, models, model, path, request, options, record);
  if (!result) return record;
  Synchronize(device);
  deferred.Loaded(result->loaded);
  deferred.Finish();
  // The path takes the state dict out of the file and plans, all inside its load.
  record.seconds.parse = result->seconds.plan;
  record.seconds.load = watch.Lap() - result->seconds.plan;
  loading.reset();
  FillInCosts(record, *result, *module, peak, before);

  module->eval();
  watch.Lap();
  const std::vector<at::Tensor> outputs = RunForward(model, *module, std::move(inputs), device, options);
  record.seconds.first_forward = watch.Lap();
  StateDict state_dict = StateDict::From(checkpoint, options.file.key);
  state_dict.Apply(options.rules);
  if (result->loaded.empty()) WarnIfNothingLoaded(record, models, model, *module, state_dict, options);
  CheckAgainstReference(record, options, state_dict, model, *module, device);
  if (!options.output.empty() && record.errors.empty()) {
    WriteOutputs(options.output, outputs);
    record.output = options.output;
    record.outputs = outputs.size();
  }
  return record;
}

int RunLoad(const LoadOptions& options, std::span<const Model> models) {
  const Model& model = ChooseModel(options.model, models);
  const LoadPath& path = ChooseLoadPath(options.via);
  const at::Device device = ChosenDevice(options.device);
  if (!device.is_cpu()) DisableTf32();
  const LoadRecord record = Load(models, model, path, device, options);
  WriteStdout(options.json ? LoadJson(record) : LoadText(record));
  if (!record.refusal.empty()) {
    // As Python's str(exception), on lines of its own: scripts compare it.
    std::fprintf(stderr, "%s\n", record.refusal.c_str());
  } else {
    for (const std::string& error : record.errors)
      std::fprintf(stderr, "%s: %s: %s\n", CommandName().c_str(), Escaped(options.file.file).c_str(),
                   Escaped(error).c_str());
  }
  for (const std::string& hint : record.hints) std::fprintf(stderr, "hint: %s\n", hint.c_str());
  return record.errors.empty() ? kDone : kFailed;
}

}  // namespace loadpath::ckpt
