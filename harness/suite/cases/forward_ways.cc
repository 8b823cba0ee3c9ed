#include "harness/suite/cases/forward_ways.h"

#include <ATen/ATen.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/csrc/inductor/aoti_runner/model_container_runner.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <set>

#include "harness/golden/reference_files.h"
#include "harness/state/module_state.h"
#include "harness/suite/reference_source.h"

namespace loadpath {
namespace {

using Named = std::vector<std::pair<std::string, at::Tensor>>;

std::vector<at::Tensor> Tensors(const at::IValue& value) {
  if (value.isTensor()) return {value.toTensor()};
  std::vector<at::Tensor> tensors;
  for (const at::IValue& element : value.toTupleRef().elements()) tensors.push_back(element.toTensor());
  return tensors;
}

Forward OpenModule(const std::string& name, const Session& session, at::Device device) {
  const ReferenceSource source = FindWeights(name, session);
  const ReferencePart& part = source.parts.front();
  DeferredInit deferred;
  const std::shared_ptr<torch::nn::Module> module = deferred.Construct(part.model->make);
  const LoadResult result =
      FindLoadPath("direct")->load({.file = source.file, .key_path = part.key, .module = *module, .device = device});
  deferred.Loaded(result.loaded);
  deferred.Finish();
  if (const std::string wrong = CheckParameters(*module, *part.entry); !wrong.empty()) throw WrongAnswer(wrong);
  module->eval();
  return [model = part.model, module](std::span<const at::Tensor> inputs) { return model->forward(*module, inputs); };
}

// TorchScript archives hold these too.
std::set<std::string> NonPersistentBuffers(const Model& model) {
  DeferredInit deferred;
  const auto module = deferred.Construct(model.make);  // gone before `deferred`, so nothing is ever filled
  return NonPersistentOf(*module);
}

Forward OpenTorchScript(const std::string& name, const Session& session, at::Device device) {
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
    return Tensors(module->forward(std::vector<at::IValue>(inputs.begin(), inputs.end())));
  };
}

// Runs machine code that lies in the package: of our own reference data, never of a user's file.
Forward OpenAoti(const std::string& name, const Session& session, at::Device device) {
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
      {"module", Always, OpenModule},
      {"torchscript", HasTorchScript, OpenTorchScript},
      {"aoti", HasProgram, OpenAoti},
  };
  return kWays;
}

}  // namespace loadpath
