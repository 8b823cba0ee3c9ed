#ifndef LOADPATH_MODELS_ENTRIES_H_
#define LOADPATH_MODELS_ENTRIES_H_

#include "loadpath/model.h"

namespace loadpath {

// Declares one function a line of models.def. Each is defined in the file that the line names.
#define LOADPATH_MODELS(file, function) std::vector<Model> function();
#include "models/models.def"
#undef LOADPATH_MODELS

inline std::vector<at::Tensor> Outputs(at::Tensor one) { return {std::move(one)}; }
inline std::vector<at::Tensor> Outputs(std::vector<at::Tensor> several) { return several; }

/// Returns the Model of a class whose `forward(const at::Tensor&)` returns one tensor or a vector of them. `args` are
/// the arguments of its constructor.
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

#endif  // LOADPATH_MODELS_ENTRIES_H_
