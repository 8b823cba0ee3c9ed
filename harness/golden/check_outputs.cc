#include "harness/golden/check_outputs.h"

#include <ATen/core/grad_mode.h>

namespace loadpath {

std::vector<std::string> CompareOutputs(std::span<const at::Tensor> outputs, const Golden& golden,
                                        const ManifestModel& model, std::int64_t batch) {
  if (outputs.size() != golden.outputs.size()) {
    throw WrongAnswer("batch " + std::to_string(batch) + ": the model gives " + std::to_string(outputs.size()) +
                      " outputs, Python's gives " + std::to_string(golden.outputs.size()));
  }
  std::vector<std::string> sentences;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Comparison comparison = Compare(outputs[i].cpu(), golden.outputs[i], {model.rtol, model.atol});
    if (!comparison.equal) {
      throw WrongAnswer("output " + std::to_string(i) + ", batch " + std::to_string(batch) + ": " +
                        comparison.sentence +
                        (comparison.sentence.ends_with("|expected|") ? ", atol and rtol of its Reference" : ""));
    }
    sentences.push_back(comparison.sentence);
  }
  return sentences;
}

std::vector<std::string> CheckOutputs(const Forward& forward, const Manifest& manifest, const ManifestModel& model,
                                      std::int64_t batch, at::Device device) {
  Golden golden = ReadGolden(manifest, model, batch);
  for (at::Tensor& input : golden.inputs) input = input.to(device);
  const at::NoGradGuard no_grad;
  return CompareOutputs(forward(golden.inputs), golden, model, batch);
}

}  // namespace loadpath
