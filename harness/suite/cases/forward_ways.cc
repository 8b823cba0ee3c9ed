#include "harness/suite/cases/forward_ways.h"

#include <ATen/ATen.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/csrc/inductor/aoti_runner/model_container_runner.h>
#include <torch/csrc/jit/serialization/import.h>

#include "harness/golden/compare.h"
#include "models/model.h"

namespace loadpath::bench {
namespace {

using Named = std::vector<std::pair<std::string, at::Tensor>>;

std::vector<at::Tensor> Tensors(const at::IValue& value) {
  if (value.isTensor()) return {value.toTensor()};
  std::vector<at::Tensor> tensors;
  for (const at::IValue& element : value.toTupleRef().elements()) tensors.push_back(element.toTensor());
  return tensors;
}

}  // namespace

// Weights from zip/bare (multi:A and multi:B: from the file that holds both), read straight into the parameters.
Forward OpenModule(const std::string& name, const Session& session, at::Device device) {
  const ManifestModel& entry = session.ModelOf(name);
  const ManifestFile& file = session.FileOf(name, "zip", name.starts_with("multi:") ? "multi" : "bare");
  std::string key;
  for (const auto& [model, path] : file.models) {
    if (model == name) key = path;
  }
  const Model& model = *FindModel(name);
  DeferredInit deferred;
  const std::shared_ptr<torch::nn::Module> module = deferred.Construct(model.make);
  const LoadResult result = FindLoadPath("direct")->load({.file = session.manifest->PathOf(file.name),
                                                          .key_path = key,
                                                          .module = *module,
                                                          .device = device,
                                                          .deferred = &deferred});
  deferred.Loaded(result.loaded);
  deferred.Finish();
  if (const std::string wrong = CheckParameters(*module, entry); !wrong.empty()) throw WrongAnswer(wrong);
  module->eval();
  return [&model, module](std::span<const at::Tensor> inputs) { return model.forward(*module, inputs); };
}

Forward OpenTorchScript(const std::string& name, const Session& session, at::Device device) {
  const ManifestModel& entry = session.ModelOf(name);
  const std::string file = session.manifest->PathOf(session.FileOf(name, "torchscript", "bare").name);
  const auto module = std::make_shared<torch::jit::Module>(torch::jit::load(file, device));
  module->eval();
  Named state;
  for (const auto& parameter : module->named_parameters()) state.emplace_back(parameter.name, parameter.value);
  for (const auto& buffer : module->named_buffers()) state.emplace_back(buffer.name, buffer.value);
  if (const std::string wrong = CheckTensors(state, entry, /*all=*/true); !wrong.empty()) throw WrongAnswer(wrong);
  return [module](std::span<const at::Tensor> inputs) {
    return Tensors(module->forward(std::vector<at::IValue>(inputs.begin(), inputs.end())));
  };
}

Forward OpenAoti(const std::string& name, const Session& session, at::Device device) {
  const ManifestModel& entry = session.ModelOf(name);
  if (!device.is_cpu()) throw Skipped("its AOTInductor package was compiled for the CPU");
  const auto loader = std::make_shared<torch::inductor::AOTIModelPackageLoader>(session.ProgramOf(name));
  Named constants;
  for (const auto& [constant, tensor] : loader->get_runner()->extract_constants_map(/*use_inactive=*/false)) {
    constants.emplace_back(constant, tensor);
  }
  if (constants.empty()) throw WrongAnswer("the AOTInductor package of " + name + " holds no weights");
  // What the outputs do not depend on was left out when it was compiled.
  if (const std::string wrong = CheckTensors(constants, entry, /*all=*/false); !wrong.empty()) throw WrongAnswer(wrong);
  return [loader](std::span<const at::Tensor> inputs) { return loader->run({inputs.begin(), inputs.end()}); };
}

}  // namespace loadpath::bench
