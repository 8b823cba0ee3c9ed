#include "bench/ckpt/load.h"

#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "bench/ckpt/load_choice.h"
#include "bench/ckpt/load_golden.h"
#include "harness/base/text.h"
#include "harness/golden/safetensors_io.h"
#include "harness/load/device.h"
#include "harness/measure/counters.h"
#include "harness/measure/memory.h"
#include "harness/state/deferred_init.h"

namespace loadpath::ckpt {
namespace {

class Clock {
 public:
  /// Seconds since the last call, or since construction.
  double Lap() {
    const std::int64_t now = MonotonicNs(), start = last_;
    last_ = now;
    return static_cast<double>(now - start) * 1e-9;
  }

 private:
  std::int64_t last_ = MonotonicNs();
};

// The bytes that the module's tensors occupy, each storage once.
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

// Tensors 0, 1, … of a safetensors file, in that order.
std::vector<at::Tensor> NumberedInputs(const std::string& file) {
  const auto named = ReadSafetensors(file);
  std::vector<at::Tensor> inputs(named.size());
  for (const auto& [name, tensor] : named) {
    std::size_t index = 0;
    while (index < inputs.size() && std::to_string(index) != name) ++index;
    if (index == inputs.size()) {
      throw UsageError("ckpt: " + Escaped(file) + ": its tensor " + Escaped(name) +
                       " is not an input: they are named 0, 1, ... in order of the arguments");
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

// What PyTorch says, once more and without throwing, as data.
void DescribeRefusal(LoadRecord& record, const Model& model, torch::nn::Module& module, const StateDict& state_dict,
                     const LoadStateDictOptions& options) {
  const LoadCheck check = CheckLoadStateDict(module, state_dict, options);
  record.missing_keys = check.plan.missing_keys;
  record.unexpected_keys = check.plan.unexpected_keys;
  record.errors = check.error_messages;
  if (record.errors.empty()) record.errors.push_back(record.refusal);
  StateDict renamed = state_dict;
  if (!options.remove_prefix.empty()) renamed.RemovePrefix(options.remove_prefix);
  record.hints = WhyNot(model, module, renamed, record.file, record.key);
}

std::vector<at::Tensor> Forward(const Model& model, torch::nn::Module& module, std::vector<at::Tensor> inputs,
                                at::Device device, const LoadOptions& options) {
  const at::NoGradGuard no_grad;
  for (at::Tensor& input : inputs) input = input.to(device);
  try {
    std::vector<at::Tensor> outputs = model.forward(module, inputs);
    // On a GPU the pass is over when its result has arrived.
    for (at::Tensor& output : outputs) output = output.cpu();
    return outputs;
  } catch (const std::exception& error) {
    if (options.input.empty()) throw;
    const std::string what = error.what();
    throw UsageError("ckpt: " + Escaped(options.input) + ": " + options.model +
                     " does not take these inputs: " + Escaped(std::string_view(what).substr(0, what.find('\n'))));
  }
}

}  // namespace

LoadRecord RunLoad(const LoadOptions& options) {
  const Model& model = ChooseModel(options.model);
  const LoadPath& path = ChooseLoadPath(options.via);
  const at::Device device = OpenDevice(options.device);
  std::vector<at::Tensor> own_inputs;
  if (!options.input.empty()) own_inputs = NumberedInputs(options.input);

  LoadRecord record{.file = options.file,
                    .model = options.model,
                    .path = options.via,
                    .device = options.device,
                    .key = options.key,
                    .seconds = {},
                    .missing_keys = {},
                    .unexpected_keys = {},
                    .warnings = {},
                    .fallback = {},
                    .errors = {},
                    .refusal = {},
                    .hints = {},
                    .check = {}};
  PeakMemory peak;
  const ProcessCounters before = ReadProcessCounters();
  DeferredInit deferred;
  Clock clock;
  const std::shared_ptr<torch::nn::Module> module = deferred.Construct([&] { return model.make(); });
  record.seconds.construct = clock.Lap();
  const auto checkpoint = Checkpoint::Open(options.file, options.open);
  record.seconds.open = clock.Lap();

  LoadStateDictOptions how;
  how.strict = !options.lenient;
  how.remove_prefix = options.prefix;
  LoadResult result;
  std::optional<StateDict> state_dict;
  try {
    state_dict = StateDict::From(checkpoint, options.key);
    record.seconds.parse = clock.Lap();
    result = path.load({.file = options.file,
                        .key_path = options.key,
                        .checkpoint = checkpoint,
                        .open = options.open,
                        .module = *module,
                        .device = device,
                        .deferred = &deferred,
                        .options = how,
                        .read = {.crc = options.crc}});
  } catch (const StateDictError& error) {
    record.refusal = error.what();
    record.errors = {record.refusal};
    if (state_dict) DescribeRefusal(record, model, *module, *state_dict, how);
    return record;
  } catch (const Skipped& reason) {
    throw UsageError("ckpt: " + Escaped(options.file) + ": " + options.via +
                     " cannot take this: " + Escaped(reason.what()));
  }
  Synchronize(device);
  deferred.Loaded(result.loaded);
  deferred.Finish();
  const double loading = clock.Lap();
  record.seconds.parse += result.seconds.plan;
  record.seconds.load = loading - result.seconds.plan;
  peak.Stop();
  const ProcessCounters used = ReadProcessCounters() - before;
  record.minor_faults = used.minor_faults;
  record.major_faults = used.major_faults;
  const std::uint64_t bytes = StorageBytes(*module);
  record.peak_extra_bytes = peak.Extra(bytes - std::min(bytes, result.bytes_mapped));
  record.bytes = result.bytes_loaded;
  record.missing_keys = result.keys.missing_keys;
  record.unexpected_keys = result.keys.unexpected_keys;
  record.warnings = result.warnings;
  record.fallback = result.fallback;

  module->eval();
  const std::vector<at::Tensor> inputs = own_inputs.empty() ? model.example_inputs(1) : std::move(own_inputs);
  clock.Lap();
  const std::vector<at::Tensor> outputs = Forward(model, *module, inputs, device, options);
  record.seconds.first_forward = clock.Lap();
  if (!options.output.empty()) WriteOutputs(options.output, outputs);
  CheckAgainstReference(record, options, model, *module, device);
  return record;
}

}  // namespace loadpath::ckpt
