#include <torch/nn/modules/linear.h>

#include "models/families.h"

namespace loadpath {
namespace {

class LinearModel : public torch::nn::Module {
 public:
  LinearModel() { linear_ = register_module("linear", torch::nn::Linear(10, 2)); }
  at::Tensor forward(const at::Tensor& x) { return linear_->forward(x); }

 private:
  torch::nn::Linear linear_{nullptr};
};

}  // namespace

Model LinearModelEntry() {
  return SingleInputModel<LinearModel>("linear", "LinearModel: one Linear(10, 2), the smallest checkpoint", {1, 32},
                                       [](std::int64_t batch) {
                                         return ExampleInput({batch, 10}, 1);
                                       });
}

}  // namespace loadpath
