// The new process's side of startup cases.
#include <ATen/ATen.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "harness/base/stopwatch.h"
#include "harness/golden/check_outputs.h"
#include "harness/measure/counters.h"
#include "harness/suite/case.h"
#include "harness/suite/cases/startup.h"
#include "harness/suite/reference_source.h"
#include "harness/suite/run.h"
#include "loadpath/device.h"
#include "loadpath/tensor_allocator.h"

namespace loadpath {
namespace {

using Json = nlohmann::json;

// Adds up the seconds of phases by name; the same phase may come again.
class Phases {
 public:
  explicit Phases(std::int64_t start) : watch_(start) {}
  void End(const char* phase) { seconds_[phase] = seconds_.value(phase, 0.0) + watch_.Lap(); }
  /// What was done since the last phase is the benchmark's own work and belongs to none.
  void Restart() { watch_.Lap(); }
  const Json& seconds() const { return seconds_; }

 private:
  Stopwatch watch_;
  Json seconds_ = Json::object();
};

Forward ForwardOf(const Model& model, torch::nn::Module& module) {
  return [&](std::span<const at::Tensor> inputs) { return model.forward(module, inputs); };
}

Json TakeSample(const StartupSample& sample, std::span<const Model> models) {
  Phases phases(sample.started_at);
  phases.End("process");
  const std::int64_t process_cpu = ReadProcessCounters().cpu_ns;
  const Case one = CaseFromJson(sample.one);
  const Session session(models, sample.data, /*quick=*/true);
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
  Json answer = {
      {"phases", phases.seconds()}, {"bytes", bytes}, {"cpu_ns", process_cpu + (ReadProcessCounters() - own).cpu_ns}};
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
  answer["difference"] = differences;
  return answer;
}

}  // namespace

int RunStartupSample(const StartupSample& sample, std::span<const Model> models) {
  Json answer;
  try {
    answer = TakeSample(sample, models);
  } catch (const Skipped& skipped) {
    answer = {{"skipped", skipped.what()}};
  } catch (const std::exception& error) {
    answer = {{"error", ReasonOf(error)}};
  }
  std::cout << answer.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n" << std::flush;
  return std::cout.good() ? 0 : 1;
}

}  // namespace loadpath
