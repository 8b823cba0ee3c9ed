#include <torch/nn/modules/linear.h>

#include "models/entries.h"

namespace loadpath {
namespace {

class CustomLayer : public torch::nn::Module {
 public:
  CustomLayer(std::int64_t in_features, std::int64_t out_features) {
    linear_ = register_module("linear", torch::nn::Linear(in_features, out_features));
  }
  at::Tensor forward(const at::Tensor& x) { return linear_->forward(x).sigmoid(); }

 private:
  torch::nn::Linear linear_{nullptr};
};

class CustomModel : public torch::nn::Module {
 public:
  CustomModel() {
    custom_ = register_module("custom", std::make_shared<CustomLayer>(64, 128));
    linear_ = register_module("linear", torch::nn::Linear(128, 10));
  }
  at::Tensor forward(const at::Tensor& x) { return linear_->forward(custom_->forward(x)); }

 private:
  std::shared_ptr<CustomLayer> custom_;
  torch::nn::Linear linear_{nullptr};
};

}  // namespace

std::vector<Model> CustomModels() {
  const auto input = [](std::int64_t batch) { return ExampleInput({batch, 64}, 2); };
  return {SingleInputModel<CustomModel>(
      "custom", "CustomModel: a custom layer, Linear(64, 128) and sigmoid, then Linear(128, 10)", {1, 32}, input)};
}

}  // namespace loadpath
