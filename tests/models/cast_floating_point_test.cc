#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include "loadpath/model.h"

namespace loadpath {
namespace {

struct Net : torch::nn::Module {
  torch::nn::Linear linear = register_module("linear", torch::nn::Linear(4, 4));
  torch::nn::BatchNorm1d norm = register_module("norm", torch::nn::BatchNorm1d(4));
  at::Tensor tied = register_parameter("tied", linear->weight);
};

// module.half() of Python leaves batch normalisation's counter an integer, and tied weights tied.
TEST(CastFloatingPoint, CastsWhatPythonsHalfCasts) {
  Net net;
  const at::Tensor before = net.linear->weight.detach().clone();
  CastFloatingPoint(net, at::kHalf);
  EXPECT_EQ(net.linear->weight.scalar_type(), at::kHalf);
  EXPECT_TRUE(at::equal(net.linear->weight, before.to(at::kHalf)));
  EXPECT_TRUE(net.linear->weight.requires_grad());
  EXPECT_EQ(net.tied.unsafeGetTensorImpl(), net.linear->weight.unsafeGetTensorImpl());
  EXPECT_EQ(net.norm->running_mean.scalar_type(), at::kHalf);
  EXPECT_EQ(net.norm->num_batches_tracked.scalar_type(), at::kLong);
}

}  // namespace
}  // namespace loadpath
