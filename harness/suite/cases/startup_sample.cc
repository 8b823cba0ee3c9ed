// The new process's side of startup cases.
#include <ATen/ATen.h>

#include <map>

#include "harness/base/stopwatch.h"
#include "harness/golden/check_outputs.h"
#include "harness/measure/counters.h"
#include "harness/measure/memory.h"
#include "harness/suite/case.h"
#include "harness/suite/cases/startup.h"
#include "harness/suite/reference_source.h"
#include "harness/suite/run.h"
#include "loadpath/device.h"
#include "loadpath/tensor_allocator.h"

namespace loadpath {
namespace {

// Adds up the times of phases by name; the same phase may come again.
class Phases {
 public:
  explicit Phases(std::int64_t start) : watch_(start) {}
  void End(const char* phase) { ns_[phase] += Ns(watch_.Lap()); }
  /// What was done since the last phase is the benchmark's own work and belongs to none.
  void Restart() { watch_.Lap(); }
  const std::map<std::string, std::int64_t>& ns() const { return ns_; }

 private:
  Stopwatch watch_;
  std::map<std::string, std::int64_t> ns_;
};

Forward ForwardOf(const Model& model, torch::nn::Module& module) {
  return [&](std::span<const at::Tensor> inputs) { return model.forward(module, inputs); };
}

}  // namespace

StartupAnswer TakeStartupSample(const Case& one, const std::string& data, std::int64_t started_at,
                                std::span<const Model> models) {
  Phases phases(started_at);
  phases.End("process");
  const ProcessCounters process = ReadProcessCounters();
  const Session session(models, data, /*quick=*/true);
  const ReferenceSource source = FindReference(one, session);
  const LoadPath& path = *FindLoadPath(one.path);
  std::vector<std::vector<at::Tensor>> inputs;
  for (const ReferencePart& part : source.parts) inputs.push_back(part.model->example_inputs(1));
  const ProcessCounters own = ReadProcessCounters();
  phases.Restart();

  const at::NoGradGuard no_grad;
  const at::Device device = OpenDevice(one.device->text());
  if (!device.is_cpu()) {
    DisableTf32();
    Synchronize(device);
    phases.End("device");
  }
  std::shared_ptr<const Checkpoint> shared;
  if (one.opened_once) {
    shared = Checkpoint::Open(source.file, HowToOpen(one));
    phases.End("open");
  }
  std::vector<std::shared_ptr<torch::nn::Module>> modules;
  std::vector<std::vector<KeyReport>> reports;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < source.parts.size(); ++i) {
    const ReferencePart& part = source.parts[i];
    DeferredInit deferred;
    std::optional<ScopedTensorAllocator> loading(std::in_place);
    modules.push_back(deferred.Construct(part.model->make));
    phases.End("construct");
    const LoadRequest request{.file = source.file,
                              .key_path = part.key,
                              .checkpoint = shared,
                              .open = HowToOpen(one),
                              .rules = part.rules(),
                              .module = *modules.back(),
                              .device = device};
    const LoadResult result = LoadBy(path, request, source.must_load);
    reports.push_back(result.report);
    deferred.Loaded(result.loaded);
    deferred.Finish();
    loading.reset();
    bytes += result.bytes_loaded;
    phases.End("load");
    modules.back()->eval();
    for (at::Tensor& input : inputs[i]) input = input.to(device);
    part.model->forward(*modules.back(), inputs[i]);
    Synchronize(device);
    phases.End("first_forward");
  }
  StartupAnswer answer{.sample = {.phases_ns = phases.ns(), .checked = true}, .bytes = bytes, .difference = {}};
  for (const auto& [phase, ns] : answer.sample.phases_ns) answer.sample.wall_ns += ns;
  const ProcessCounters used = ReadProcessCounters() - own;
  answer.sample.cpu_ns = process.cpu_ns + used.cpu_ns;
  answer.sample.minor_faults = process.minor_faults + used.minor_faults;
  answer.sample.major_faults = process.major_faults + used.major_faults;
  answer.sample.peak_bytes = ReadMemory().peak;
  std::string differences;
  for (std::size_t i = 0; i < source.parts.size(); ++i) {
    const ReferencePart& part = source.parts[i];
    if (part.own != nullptr) Complete(part, path, reports[i], *modules[i], session);
    if (const std::string wrong = CheckParameters(*modules[i], *part.entry); !wrong.empty()) throw WrongAnswer(wrong);
    const std::int64_t batch = part.entry->goldens.begin()->first;
    if (i > 0) differences += "; ";
    differences +=
        CheckOutputs(ForwardOf(*part.model, *modules[i]), session.manifest(), *part.entry, batch, device).front();
  }
  answer.difference = differences;
  return answer;
}

}  // namespace loadpath
