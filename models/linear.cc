#include <torch/nn/modules/linear.h>

#include "models/entries.h"

namespace loadpath {
namespace {

class LinearModel : public torch::nn::Module {
 public:
  LinearModel(std::int64_t input_dim, std::int64_t output_dim) {
    linear_ = register_module("linear", torch::nn::Linear(input_dim, output_dim));
  }
  at::Tensor forward(const at::Tensor& x) { return linear_->forward(x); }

 private:
  torch::nn::Linear linear_{nullptr};
};

}  // namespace

std::vector<Model> LinearModels() {
  constexpr std::int64_t kInput = 10, kOutput = 2;
  const auto input = [](std::int64_t batch) { return ExampleInput({batch, kInput}, 1); };
  return {SingleInputModel<LinearModel>("linear", "LinearModel: one Linear(10, 2), the smallest checkpoint", {1, 32},
                                        input, kInput, kOutput)};
}

}  // namespace loadpath
