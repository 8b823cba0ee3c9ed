#include <torch/nn/modules/linear.h>

#include "models/entries.h"

namespace loadpath {
namespace {

class ModelA : public torch::nn::Module {
 public:
  ModelA() { linear_ = register_module("linear", torch::nn::Linear(10, 5)); }
  at::Tensor forward(const at::Tensor& x) { return linear_->forward(x); }

 private:
  torch::nn::Linear linear_{nullptr};
};

class ModelB : public torch::nn::Module {
 public:
  ModelB() { linear_ = register_module("linear", torch::nn::Linear(5, 2)); }
  at::Tensor forward(const at::Tensor& x) { return linear_->forward(x); }

 private:
  torch::nn::Linear linear_{nullptr};
};

}  // namespace

std::vector<Model> MultiModels() {
  const auto input_a = [](std::int64_t batch) { return ExampleInput({batch, 10}, 3); };
  const auto input_b = [](std::int64_t batch) { return ExampleInput({batch, 5}, 4); };
  return {SingleInputModel<ModelA>("multi:A", "ModelA: Linear(10, 5), in one file with ModelB", {1, 32}, input_a),
          SingleInputModel<ModelB>("multi:B", "ModelB: Linear(5, 2), in one file with ModelA", {1, 32}, input_b)};
}

}  // namespace loadpath
