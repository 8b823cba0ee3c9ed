#include <stdexcept>

#include "harness/golden/compare.h"
#include "harness/golden/safetensors_io.h"

namespace loadpath {
namespace {

// Removes "input.0", "input.1", … from `tensors` and returns them in order.
std::vector<at::Tensor> Take(std::map<std::string, at::Tensor>& tensors, const std::string& prefix) {
  std::vector<at::Tensor> taken;
  for (;;) {
    const auto node = tensors.extract(prefix + std::to_string(taken.size()));
    if (node.empty()) return taken;
    taken.push_back(node.mapped());
  }
}

}  // namespace

Golden ReadGolden(const Manifest& manifest, const ManifestModel& model, std::int64_t batch) {
  const auto found = model.goldens.find(batch);
  if (found == model.goldens.end()) {
    throw std::runtime_error(manifest.PathOf("manifest.json") + ": has no golden for batch size " +
                             std::to_string(batch));
  }
  const std::string path = manifest.PathOf(found->second);
  std::map<std::string, at::Tensor> tensors;
  for (auto& [name, tensor] : ReadSafetensors(path)) tensors.emplace(name, tensor);
  Golden golden{Take(tensors, "input."), Take(tensors, "output.")};
  if (!tensors.empty())
    throw std::runtime_error(path + ": has a tensor \"" + tensors.begin()->first +
                             "\" that is neither an input nor an output");
  if (golden.inputs.empty() || golden.outputs.empty()) throw std::runtime_error(path + ": has no inputs or no outputs");
  return golden;
}

}  // namespace loadpath
