#include "tests/models/reference_module.h"

#include <gtest/gtest.h>
#include <torch/serialize.h>

#include <fstream>
#include <iterator>

namespace loadpath {
const Manifest& ReferenceManifest() {
  static const Manifest manifest = Manifest::Read(LOADPATH_REFERENCE);
  return manifest;
}

std::shared_ptr<torch::nn::Module> ReferenceModule(const Model& model) {
  const ManifestFile* file =
      ReferenceManifest().FindFile(model.name, "zip", model.name.starts_with("multi:") ? "multi" : "bare");
  TORCH_CHECK(file, "there is no reference file of ", model.name);
  std::ifstream stream(ReferenceManifest().PathOf(file->plain_dict), std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  c10::IValue value = torch::pickle_load(bytes);
  for (const auto& [name, key] : file->models) {
    if (name == model.name && !key.empty()) value = value.toGenericDict().at(key);
  }

  std::shared_ptr<torch::nn::Module> module = model.make();
  auto tensors = module->named_parameters();
  tensors.update(module->named_buffers());
  torch::NoGradGuard no_grad;
  for (const auto& item : value.toGenericDict()) {
    const std::string name = item.key().toStringRef();
    tensors[name].copy_(item.value().toTensor());
  }
  module->eval();
  return module;
}

}  // namespace loadpath
