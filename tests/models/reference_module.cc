#include "tests/models/reference_module.h"

#include <gtest/gtest.h>
#include <torch/serialize.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "harness/golden/reference_files.h"

namespace loadpath {

const Manifest& ReferenceManifest() {
  static const Manifest manifest = Manifest::Read(LOADPATH_REFERENCE);
  return manifest;
}

const ManifestModel& ReferenceOf(const Model& model) {
  if (const ManifestModel* found = ReferenceManifest().FindModel(model.name)) return *found;
  const std::string name(model.name);
  throw std::runtime_error(ReferenceManifest().PathOf("manifest.json") + " has no model " + name +
                           ": scripts/generate_checkpoints.py --models " + name + " makes it");
}

std::shared_ptr<torch::nn::Module> ReferenceModule(const Model& model) {
  ReferenceOf(model);
  const SharedFile* shared = FindSharedFile(model.name);
  const ManifestFile* file =
      ReferenceManifest().FindFile(model.name, "zip", shared != nullptr ? shared->layout : "bare");
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
