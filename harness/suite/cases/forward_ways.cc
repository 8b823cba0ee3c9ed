#include "harness/suite/cases/forward_ways.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/csrc/inductor/aoti_runner/model_container_runner.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "harness/base/stopwatch.h"
#include "harness/golden/reference_files.h"
#include "harness/measure/counters.h"
#include "harness/state/module_state.h"
#include "harness/suite/cases/twins.h"
#include "harness/suite/reference_source.h"
#include "loadpath/device.h"

namespace loadpath {
namespace {

using Named = std::vector<std::pair<std::string, at::Tensor>>;

std::vector<at::Tensor> TensorsOf(const at::IValue& value) {
  if (value.isTensor()) return {value.toTensor()};
  std::vector<at::Tensor> tensors;
  for (const at::IValue& element : value.toTupleRef().elements()) tensors.push_back(element.toTensor());
  return tensors;
}

using Tensors = std::vector<at::Tensor>;

// LibTorch is set to so many threads while one lives.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(at::get_num_threads()) { Set(threads); }
  ~ThreadCount() { Set(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  static void Set(int threads) {
    if (threads != at::get_num_threads()) at::set_num_threads(threads);
  }
  int before_;
};

// A pass in this process, under a guard of autograd.
template <class Guard>
class Here : public ForwardSubject {
 public:
  Here(Forward forward, const ForwardRequest& request)
      : forward_(std::move(forward)), device_(request.device), inputs_(request.inputs.begin(), request.inputs.end()) {
    for (at::Tensor& input : inputs_) input = input.to(device_);
  }

  Sample Pass(int threads, Tensors* outputs) override {
    const ThreadCount count(threads);
    const Guard guard;
    const ProcessCounters before = ReadProcessCounters();
    Stopwatch watch;
    Tensors results = forward_(inputs_);
    Synchronize(device_);
    const double seconds = watch.Lap();
    const ProcessCounters used = ReadProcessCounters() - before;
    if (outputs != nullptr) *outputs = std::move(results);
    return {.wall_ns = Ns(seconds),
            .cpu_ns = used.cpu_ns,
            .minor_faults = used.minor_faults,
            .major_faults = used.major_faults,
            .checked = outputs != nullptr};
  }

 private:
  Forward forward_;
  at::Device device_;
  Tensors inputs_;
};

template <Forward (*kOpen)(const std::string& name, Session& session, at::Device device), class Guard>
std::unique_ptr<ForwardSubject> OpenHere(const ForwardRequest& request, Session& session) {
  return std::make_unique<Here<Guard>>(kOpen(request.model, session, request.device), request);
}

// A pass of the Python twin, in a process that all of them share.
class InPython : public ForwardSubject {
 public:
  InPython(Session& session, TwinProcess::Subject subject) : session_(session), subject_(std::move(subject)) {}
  Sample Pass(int threads, Tensors* outputs) override { return session_.twins().Pass(subject_, threads, outputs); }

 private:
  Session& session_;
  TwinProcess::Subject subject_;
};

std::unique_ptr<ForwardSubject> OpenPython(const ForwardRequest& request, Session& session) {
  const Manifest& manifest = session.manifest();
  const std::string golden = manifest.PathOf(session.ModelOf(request.model).goldens.at(request.batch));
  const ReferenceSource weights = FindWeights(request.model, session);
  TwinProcess::Subject subject{.model = request.model,
                               .weights = std::filesystem::absolute(weights.file).string(),
                               .key = weights.parts.front().key,
                               .golden = std::filesystem::absolute(golden).string(),
                               .device = request.device.str()};
  const std::map<std::string, std::string> digests = session.twins().Open(subject);
  for (const auto& [name, tensor] : session.ModelOf(request.model).tensors) {
    const auto found = digests.find(name);
    if (found == digests.end()) throw WrongAnswer("Python: \"" + name + "\" is missing");
    if (found->second != tensor.sha256)
      throw WrongAnswer("Python: \"" + name + "\" does not have the reference's bits");
  }
  return std::make_unique<InPython>(session, std::move(subject));
}

Forward ForwardOf(const Model& model, std::shared_ptr<torch::nn::Module> module) {
  return [&model, module = std::move(module)](std::span<const at::Tensor> inputs) {
    return model.forward(*module, inputs);
  };
}

Forward OpenModule(const std::string& name, Session& session, at::Device device) {
  const ReferenceSource source = FindWeights(name, session);
  const ReferencePart& part = source.parts.front();
  std::weak_ptr<torch::nn::Module>& shared = session.ModuleOn(name, device);
  if (auto module = shared.lock()) return ForwardOf(*part.model, std::move(module));
  DeferredInit deferred;
  std::shared_ptr<torch::nn::Module> module = deferred.Construct(part.model->make);
  const LoadResult result =
      FindLoadPath("direct")->load({.file = source.file, .key_path = part.key, .module = *module, .device = device});
  deferred.Loaded(result.loaded);
  deferred.Finish();
  if (const std::string wrong = CheckParameters(*module, *part.entry); !wrong.empty()) throw WrongAnswer(wrong);
  module->eval();
  shared = module;
  return ForwardOf(*part.model, std::move(module));
}

// TorchScript archives hold these too.
std::set<std::string> NonPersistentBuffers(const Model& model) {
  DeferredInit deferred;
  const auto module = deferred.Construct(model.make);  // gone before `deferred`, so nothing is ever filled
  return NonPersistentOf(*module);
}

Forward OpenTorchScript(const std::string& name, Session& session, at::Device device) {
  const ManifestModel& entry = session.ModelOf(name);
  const std::string file = session.manifest().PathOf(session.FileOf(name, "torchscript", "bare").name);
  const auto module = std::make_shared<torch::jit::Module>(torch::jit::load(file, device));
  module->eval();
  Named state;
  for (const auto& parameter : module->named_parameters()) state.emplace_back(parameter.name, parameter.value);
  const std::set<std::string> non_persistent = NonPersistentBuffers(session.FindModel(name));
  for (const auto& buffer : module->named_buffers()) {
    if (!non_persistent.contains(buffer.name)) state.emplace_back(buffer.name, buffer.value);
  }
  if (const std::string wrong = CheckTensors(state, entry, /*all=*/true); !wrong.empty()) throw WrongAnswer(wrong);
  return [module](std::span<const at::Tensor> inputs) {
    return TensorsOf(module->forward(std::vector<at::IValue>(inputs.begin(), inputs.end())));
  };
}

// Runs machine code that lies in the package: of our own reference data, never of a user's file.
Forward OpenAoti(const std::string& name, Session& session, at::Device device) {
  const ManifestModel& entry = session.ModelOf(name);
  if (!device.is_cpu()) throw Skipped("its AOTInductor package was compiled for the CPU");
  const auto loader = std::make_shared<torch::inductor::AOTIModelPackageLoader>(session.ProgramOf(name));
  Named constants;
  for (const auto& [constant, tensor] : loader->get_runner()->extract_constants_map(/*use_inactive=*/false)) {
    constants.emplace_back(constant, tensor);
  }
  if (constants.empty()) throw WrongAnswer("the AOTInductor package of " + name + " holds no weights");
  // The compiler leaves out weights that the outputs do not depend on.
  if (const std::string wrong = CheckTensors(constants, entry, /*all=*/false); !wrong.empty()) throw WrongAnswer(wrong);
  return [loader](std::span<const at::Tensor> inputs) { return loader->run({inputs.begin(), inputs.end()}); };
}

bool Always(std::string_view) { return true; }
bool HasTorchScript(std::string_view model) {
  const auto files = ReferenceFiles(model);
  return std::ranges::find(files, "torchscript", &FormatAndLayout::format) != files.end();
}
bool HasProgram(std::string_view model) {
  const auto programs = ReferencePrograms();
  return std::ranges::find(programs, model) != programs.end();
}

}  // namespace

std::span<const ForwardWay> ForwardWays() {
  static constexpr ForwardWay kWays[] = {
      {"module", "the C++ module, under NoGradGuard", Always, true, OpenHere<OpenModule, at::NoGradGuard>},
      {"inference_mode", "the C++ module, under InferenceMode", Always, false,
       OpenHere<OpenModule, c10::InferenceMode>},
      {"torchscript", "LibTorch's interpreter on a traced archive", HasTorchScript, false,
       OpenHere<OpenTorchScript, at::NoGradGuard>},
      {"aoti", "machine code by AOTInductor", HasProgram, false, OpenHere<OpenAoti, at::NoGradGuard>},
      {"python", "the Python twin in eager PyTorch, in a process of its own", Always, true, OpenPython},
  };
  return kWays;
}

}  // namespace loadpath
