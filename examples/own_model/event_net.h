// The C++ twin of event_net.py: the same children under the same names, in the same order.
#pragma once

#include <loadpath/module_info.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

struct Events {
  at::Tensor logits, state;
};

// ModuleInfo says what torch::nn::Module has no place for: here, which buffers are not in the state dict.
class EventNet : public torch::nn::Module, public loadpath::ModuleInfo {
 public:
  explicit EventNet(std::int64_t bands = 12, std::int64_t places = 5, std::int64_t classes = 4);
  // spectrum: float32 (batch, bands, frames). place: int64 (batch).
  Events forward(const at::Tensor& spectrum, const at::Tensor& place);

 private:
  torch::nn::Sequential stem_;
  torch::nn::Embedding place_;
  torch::nn::GRU encoder_;
  torch::nn::ModuleList blocks_;
  at::Tensor scale_;
  torch::nn::Linear head_;
  at::Tensor taper_;
};
