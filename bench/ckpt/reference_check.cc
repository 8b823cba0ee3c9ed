#include "bench/ckpt/load_golden.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "harness/base/text.h"
#include "harness/golden/compare.h"

namespace loadpath::ckpt {
namespace {

bool Names(const ManifestFile& entry, const std::filesystem::path& file, std::uint64_t size,
           const LoadOptions& options) {
  return entry.name == file.filename() && entry.size == size &&
         std::find(entry.models.begin(), entry.models.end(), std::pair(options.model, options.key)) !=
             entry.models.end();
}

}  // namespace

void CheckAgainstReference(LoadRecord& record, const LoadOptions& options, const Model& model,
                           torch::nn::Module& module, at::Device device) {
  const std::string directory = options.data.empty() ? ProgramFolder() + "/../reference" : options.data;
  std::error_code none;
  if (!std::filesystem::exists(directory + "/manifest.json", none)) {
    if (!options.data.empty()) throw UsageError("ckpt: " + Escaped(directory) + ": there is no manifest.json in it");
    record.check = "no reference: " + Escaped(directory) + " holds no manifest.json";
    return;
  }
  const Manifest manifest = Manifest::Read(directory);
  // A folder may be named with a slash behind it.
  const std::filesystem::path given = options.file, file = given.has_filename() ? given : given.parent_path();
  const std::uint64_t size = SizeOf(file);
  const ManifestModel* golden_model = manifest.FindModel(options.model);
  const bool known = std::any_of(manifest.files().begin(), manifest.files().end(),
                                 [&](const ManifestFile& entry) { return Names(entry, file, size, options); });
  if (!known || !golden_model) {
    record.check = "no reference: the manifest of " + Escaped(directory) + " does not have this file with this key";
    return;
  }
  if (const std::string wrong = CheckParameters(module, *golden_model); !wrong.empty()) {
    record.errors.push_back("parameters: " + wrong);
  } else {
    record.check = Counted(golden_model->tensors.size(), "tensor") + " equal bit by bit";
  }
  const at::NoGradGuard no_grad;
  for (const auto& [batch, name] : golden_model->goldens) {
    const Golden golden = ReadGolden(manifest, *golden_model, batch);
    std::vector<at::Tensor> inputs;
    for (const at::Tensor& input : golden.inputs) inputs.push_back(input.to(device));
    const std::vector<at::Tensor> outputs = model.forward(module, inputs);
    if (outputs.size() != golden.outputs.size()) {
      record.errors.push_back("outputs: " + std::to_string(outputs.size()) + " where Python gives " +
                              std::to_string(golden.outputs.size()));
      return;
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const Comparison comparison =
          Compare(outputs[i].cpu(), golden.outputs[i], {golden_model->rtol, golden_model->atol});
      const std::string sentence =
          "output " + std::to_string(i) + ", batch " + std::to_string(batch) + ": " + comparison.sentence;
      if (!comparison.equal) {
        record.errors.push_back(sentence);
      } else {
        record.check += (record.check.empty() ? "" : "; ") + sentence;
      }
    }
  }
}

}  // namespace loadpath::ckpt
