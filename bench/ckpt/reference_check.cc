#include "bench/ckpt/reference_check.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

#include "harness/base/error.h"
#include "harness/base/paths.h"
#include "harness/base/text.h"
#include "harness/golden/check_outputs.h"
#include "harness/golden/compare.h"
#include "harness/inspect/digest.h"
#include "harness/state/module_state.h"

namespace loadpath::ckpt {
namespace {

// True if the file is one that the manifest lists with this model and key, in the manifest's own folder. If its tensors
// are others, it was damaged.
bool IsReferenceFile(const Manifest& manifest, const LoadOptions& options) {
  return std::ranges::any_of(manifest.files(), [&](const ManifestFile& entry) {
    std::error_code absent;
    return std::filesystem::equivalent(manifest.PathOf(entry.name), options.file.file, absent) &&
           std::ranges::find(entry.models, std::pair(options.model, options.file.key)) != entry.models.end();
  });
}

// True if the state dict holds every tensor of the reference, bit by bit. One that it lacks may be another name of one
// that it has: of tied weights, some files have one.
bool HoldsReferenceTensors(const StateDict& state_dict, const torch::nn::Module& module, const ManifestModel& reference,
                           CrcMode crc) {
  std::unordered_map<std::string, const void*> tensors_by_name;
  std::unordered_set<const void*> in_file;
  for (const auto& [name, tensor] : StateOf(module)) {
    tensors_by_name[name] = tensor.unsafeGetTensorImpl();
    if (state_dict.Find(name) != nullptr) in_file.insert(tensor.unsafeGetTensorImpl());
  }

  const Tree& tree = state_dict.checkpoint().tree();
  std::vector<TensorPath> tensors;
  std::vector<const ManifestTensor*> wanted;
  for (const auto& [name, tensor] : reference.tensors) {
    const StateDict::Entry* entry = state_dict.Find(name);
    if (entry == nullptr) {
      const auto found = tensors_by_name.find(name);
      if (found == tensors_by_name.end() || !in_file.contains(found->second)) return false;
      continue;
    }
    if (tree.kind(entry->node) != NodeKind::kTensor) return false;
    const TensorView& view = tree.tensor(entry->node);
    if (Name(view.dtype) != tensor.dtype || view.shape != tensor.shape) return false;
    tensors.push_back({{name}, entry->node});
    wanted.push_back(&tensor);
  }
  const std::vector<std::string> digests = DigestTensors(state_dict.checkpoint(), tensors, crc);
  return std::ranges::equal(digests, wanted, {}, {}, &ManifestTensor::sha256);
}

}  // namespace

void CheckAgainstReference(LoadRecord& record, const LoadOptions& options, const StateDict& state_dict,
                           const Model& model, torch::nn::Module& module, at::Device device) {
  if (!record.mismatched.empty() || !record.left_out.empty()) {
    record.check = "nothing to compare with: only a part of " + options.model + " was loaded";
    return;
  }
  const std::string directory =
      options.data.empty() ? std::filesystem::path(ProgramFolder() + "/../reference").lexically_normal().string()
                           : options.data;
  std::error_code absent;
  if (!std::filesystem::exists(directory + "/manifest.json", absent)) {
    if (!options.data.empty())
      throw UsageError("ckpt: " + Escaped(directory) +
                       ": there is no manifest.json in it; scripts/generate_checkpoints.py makes it");
    record.check = "nothing to compare with: " + Escaped(directory) + " holds no manifest.json";
    return;
  }
  const Manifest manifest = Manifest::Read(directory);
  const ManifestModel* reference = manifest.FindModel(options.model);
  if (reference == nullptr) {
    record.check = "nothing to compare with: " + Escaped(directory) + " holds no reference of " + options.model;
    return;
  }
  if (!IsReferenceFile(manifest, options) && !HoldsReferenceTensors(state_dict, module, *reference, options.crc)) {
    record.check = "nothing to compare with: these are not the weights of the reference in " + Escaped(directory);
    return;
  }
  if (const std::string wrong = CheckParameters(module, *reference); !wrong.empty()) {
    record.errors.push_back("parameters: " + wrong);
  } else {
    record.check = Counted(reference->tensors.size(), "tensor") + " equal bit by bit";
  }
  const Forward forward = [&](std::span<const at::Tensor> inputs) { return model.forward(module, inputs); };
  for (const auto& [batch, file] : reference->goldens) {
    try {
      const std::vector<std::string> sentences = CheckOutputs(forward, manifest, *reference, batch, device);
      for (std::size_t i = 0; i < sentences.size(); ++i) {
        record.check += (record.check.empty() ? "output " : "; output ") + std::to_string(i) + ", batch " +
                        std::to_string(batch) + ": " + sentences[i];
      }
    } catch (const WrongAnswer& wrong) {
      record.errors.emplace_back(wrong.what());
    }
  }
}

}  // namespace loadpath::ckpt
