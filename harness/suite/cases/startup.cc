#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "harness/base/stopwatch.h"
#include "harness/golden/compare.h"
#include "harness/load/device.h"
#include "harness/measure/fresh_process.h"
#include "harness/measure/page_cache.h"
#include "harness/measure/tensor_allocator.h"
#include "harness/suite/run.h"
#include "models/model.h"

namespace loadpath::bench {
namespace {

struct Source {
  std::string model, key;
};

// The file of a case and the state dicts in it that it loads.
std::string FindFile(const Case& which, const Session& session, std::vector<Source>& sources) {
  const bool pair = which.model == "multi:A+B";
  const std::string layout = which.layout.starts_with("multi:") ? "multi" : which.layout;
  std::string name;
  for (const std::string& model : pair ? std::vector<std::string>{"multi:A", "multi:B"} : std::vector{which.model}) {
    const ManifestFile& file = session.FileOf(model, which.format, layout);
    name =
        session.manifest->PathOf(which.path == "pickle_load" && !file.plain_dict.empty() ? file.plain_dict : file.name);
    for (const auto& [named, key] : file.models) {
      if (named == model) sources.push_back({model, key});
    }
  }
  return name;
}

// A sample is a new process, from the moment it is started to its first output.
class StartupRun : public Run {
 public:
  StartupRun(const Case& which, Session& session) : Run(which), session_(session) {}

  void Verify() override {
    std::vector<Source> sources;
    files_ = FilesOf(FindFile(which(), session_, sources), HowToOpen(which()));
    if (which().cache == "hot") MakeHot(files_);
    estimate = Sample();
    record.checked = true;
    record.phases_ns.clear();
  }

  double Sample() override {
    if (which().cache == "cold") {
      record.greatest_residency = std::max(record.greatest_residency.value_or(0), Evict(files_).part());
    }
    const ProcessResult result = RunProcess({session_.options.executable, "--startup-sample", which().Name(), "--data",
                                             session_.options.data, "--started-at", std::to_string(MonotonicNs())});
    const auto answer = nlohmann::json::parse(result.output, nullptr, /*allow_exceptions=*/false);
    if (answer.is_discarded() || !answer.is_object()) {
      throw std::runtime_error("its process ended with status " + std::to_string(result.status));
    }
    if (answer.contains("skipped")) throw Skipped(answer["skipped"].get<std::string>());
    if (answer.contains("error")) throw WrongAnswer(answer["error"].get<std::string>());
    record.bytes = answer["bytes"].get<std::uint64_t>();
    record.difference = answer["difference"].get<std::string>();
    double seconds = 0;
    for (const auto& [phase, value] : answer["phases"].items()) {
      seconds += value.get<double>();
      record.phases_ns[phase].push_back(std::max<std::int64_t>(1, std::llround(value.get<double>() * 1e9)));
    }
    return seconds;
  }

 private:
  Session& session_;
  std::vector<std::string> files_;
};

nlohmann::json TakeStartupSample(const Options& options) {
  const auto catalog = Catalog(options, std::vector<std::string>{options.device});
  const auto which = std::ranges::find(catalog, options.startup_sample, &Case::Name);
  if (which == catalog.end()) throw UsageError("no case " + options.startup_sample);
  double last = static_cast<double>(options.started_at) * 1e-9;
  nlohmann::json answer = {{"phases", nlohmann::json::object()}};
  const auto lap = [&](const char* phase) {
    const double now = static_cast<double>(MonotonicNs()) * 1e-9;
    answer["phases"][phase] = answer["phases"].value(phase, 0.0) + now - last;
    last = now;
  };
  lap("process");
  const Session session(options);
  std::vector<Source> sources;
  const std::string file = FindFile(*which, session, sources);
  const at::Device device = OpenDevice(which->device);
  if (!device.is_cpu()) DisableTf32();
  std::vector<std::vector<at::Tensor>> inputs;
  for (const Source& source : sources) inputs.push_back(FindModel(source.model)->example_inputs(1));
  last = static_cast<double>(MonotonicNs()) * 1e-9;  // finding the case is the benchmark's own work

  const at::NoGradGuard no_grad;
  std::shared_ptr<const Checkpoint> shared;
  if (which->layout == "multi:once") shared = Checkpoint::Open(file);
  std::vector<std::shared_ptr<torch::nn::Module>> modules;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Model& model = *FindModel(sources[i].model);
    DeferredInit deferred;
    std::optional<ScopedTensorAllocator> loading(std::in_place);
    modules.push_back(deferred.Construct(model.make));
    lap("construct");
    const LoadResult result = FindLoadPath(which->path)
                                  ->load({.file = file,
                                          .key_path = sources[i].key,
                                          .checkpoint = shared,
                                          .open = HowToOpen(*which),
                                          .module = *modules.back(),
                                          .device = device,
                                          .deferred = &deferred});
    deferred.Loaded(result.loaded);
    deferred.Finish();
    loading.reset();
    bytes += result.bytes_loaded;
    lap("load");
    modules.back()->eval();
    for (auto& input : inputs[i]) input = input.to(device);
    model.forward(*modules.back(), inputs[i]);
    Synchronize(device);
    lap("first_forward");
  }
  answer["bytes"] = bytes;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const ManifestModel& entry = session.ModelOf(sources[i].model);
    if (const std::string wrong = CheckParameters(*modules[i], entry); !wrong.empty()) throw WrongAnswer(wrong);
    answer["difference"] = CheckOutputs(*modules[i], sources[i].model, entry.goldens.begin()->first, session, device);
  }
  return answer;
}

}  // namespace

int RunStartupSample(const Options& options) {
  nlohmann::json answer;
  try {
    answer = TakeStartupSample(options);
  } catch (const Skipped& skipped) {
    answer = {{"skipped", skipped.what()}};
  } catch (const std::exception& error) {
    answer = {{"error", error.what()}};
  }
  std::cout << answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  return 0;
}

std::unique_ptr<Run> MakeStartupRun(const Case& which, Session& session) {
  return std::make_unique<StartupRun>(which, session);
}

}  // namespace loadpath::bench
