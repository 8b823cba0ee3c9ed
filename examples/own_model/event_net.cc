#include "event_net.h"

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/dropout.h>
#include <torch/types.h>

namespace nn = torch::nn;

EventNet::EventNet(std::int64_t bands, std::int64_t places, std::int64_t classes)
    : stem_(nn::Conv1d(nn::Conv1dOptions(bands, 16, 3).padding(1)), nn::BatchNorm1d(16), nn::ReLU(), nn::Dropout(0.2)),
      place_(places, 16),
      encoder_(nn::GRUOptions(16, 16).num_layers(2).batch_first(true).bidirectional(true)),
      blocks_(nn::Linear(32, 32), nn::Linear(32, 32)),
      head_(32, classes) {
  // In Python's order: a state dict lists a module's own parameters first, then its children as they were registered.
  register_module("stem", stem_);
  register_module("place", place_);
  register_module("encoder", encoder_);
  register_module("blocks", blocks_);
  scale_ = register_parameter("scale", torch::ones(32));
  register_module("head", head_);
  taper_ = register_buffer("taper", torch::linspace(0.5, 1.0, bands).unsqueeze(1));
  non_persistent = {"taper"};
}

Events EventNet::forward(const at::Tensor& spectrum, const at::Tensor& place) {
  at::Tensor x = stem_->forward(spectrum * taper_).transpose(1, 2) + place_->forward(place).unsqueeze(1);
  at::Tensor state;
  std::tie(x, state) = encoder_->forward(x);
  for (const auto& block : *blocks_) x = x + at::relu(block->as<nn::Linear>()->forward(x));
  x = (x * scale_).mean(1);
  return {head_->forward(x), state};
}
