#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include "models/entries.h"

namespace loadpath {
namespace {

class BatchNormModel : public torch::nn::Module {
 public:
  BatchNormModel() {
    fc1_ = register_module("fc1", torch::nn::Linear(8, 16));
    bn_ = register_module("bn", torch::nn::BatchNorm1d(16));
    fc2_ = register_module("fc2", torch::nn::Linear(16, 4));
  }
  at::Tensor forward(const at::Tensor& x) { return fc2_->forward(bn_->forward(fc1_->forward(x)).relu()); }

 private:
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr};
  torch::nn::BatchNorm1d bn_{nullptr};
};

}  // namespace

std::vector<Model> BatchNormModels() {
  const auto input = [](std::int64_t batch) { return ExampleInput({batch, 8}, 9); };
  return {SingleInputModel<BatchNormModel>(
      "batchnorm", "BatchNormModel: batch statistics in train mode, the checkpoint's after eval()", {1, 32}, input)};
}

}  // namespace loadpath
