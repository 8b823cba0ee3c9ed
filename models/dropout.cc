#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "models/entries.h"

namespace loadpath {
namespace {

class DropoutModel : public torch::nn::Module {
 public:
  DropoutModel() {
    fc1_ = register_module("fc1", torch::nn::Linear(16, 64));
    dropout_ = register_module("dropout", torch::nn::Dropout(0.5));
    fc2_ = register_module("fc2", torch::nn::Linear(64, 4));
  }
  at::Tensor forward(const at::Tensor& x) { return fc2_->forward(dropout_->forward(fc1_->forward(x).relu())); }

 private:
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
};

}  // namespace

std::vector<Model> DropoutModels() {
  const auto input = [](std::int64_t batch) { return ExampleInput({batch, 16}, 8); };
  return {SingleInputModel<DropoutModel>("dropout", "DropoutModel: random in train mode, fixed after eval()", {1, 32},
                                         input)};
}

}  // namespace loadpath
