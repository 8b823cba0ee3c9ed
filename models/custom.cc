#include <torch/nn/modules/linear.h>

#include "models/families.h"

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
    custom_layer_ = register_module("custom_layer", std::make_shared<CustomLayer>(64, 128));
    fc_ = register_module("fc", torch::nn::Linear(128, 10));
  }
  at::Tensor forward(const at::Tensor& x) { return fc_->forward(custom_layer_->forward(x)); }

 private:
  std::shared_ptr<CustomLayer> custom_layer_;
  torch::nn::Linear fc_{nullptr};
};

}  // namespace

Model CustomModelEntry() {
  return SingleInputModel<CustomModel>("custom",
                                       "CustomModel: a layer of one's own, Linear(64, 128) and sigmoid, then Linear",
                                       {1, 32}, [](std::int64_t batch) {
                                         return ExampleInput({batch, 64}, 2);
                                       });
}

}  // namespace loadpath
