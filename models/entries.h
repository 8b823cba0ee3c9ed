#ifndef LOADPATH_MODELS_FAMILIES_H_
#define LOADPATH_MODELS_FAMILIES_H_

#include "models/model.h"

namespace loadpath {

// One function a model, each defined in the file of its family and listed in models.cc.
Model LinearModelEntry();
Model CustomModelEntry();
Model MultiModelAEntry();
Model MultiModelBEntry();
Model CrepeTinyEntry();
Model CrepeFullEntry();
Model Resnet50Entry();
Model Gpt2Entry();
Model FacenetPNetEntry();
Model FacenetRNetEntry();
Model FacenetONetEntry();
Model DropoutModelEntry();
Model BatchNormModelEntry();

inline std::vector<at::Tensor> Outputs(at::Tensor one) { return {std::move(one)}; }
inline std::vector<at::Tensor> Outputs(std::vector<at::Tensor> several) { return several; }

/// Model::make and Model::forward for a class whose `forward(const at::Tensor&)` returns one tensor or a vector of
/// them.
template <class Module, class... Args>
Model SingleInputModel(std::string_view name, std::string_view summary, std::vector<std::int64_t> batches,
                       std::function<at::Tensor(std::int64_t batch)> example_input, Args... args) {
  return {.name = name,
          .summary = summary,
          .make = [=] { return std::make_shared<Module>(args...); },
          .example_inputs = [=](std::int64_t batch) { return std::vector<at::Tensor>{example_input(batch)}; },
          .forward =
              [](torch::nn::Module& module, std::span<const at::Tensor> inputs) {
                TORCH_CHECK_VALUE(inputs.size() == 1, "one input is expected, got ", inputs.size());
                return Outputs(dynamic_cast<Module&>(module).forward(inputs[0]));
              },
          .batches = std::move(batches)};
}

}  // namespace loadpath

#endif  // LOADPATH_MODELS_FAMILIES_H_
