#include <torch/nn/init.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "models/entries.h"

namespace loadpath {
namespace {

using torch::nn::BatchNorm2d;
using torch::nn::Conv2d;
using torch::nn::Conv2dOptions;
using torch::nn::Sequential;

constexpr std::int64_t kExpansion = 4;

Conv2d Convolution(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride = 1) {
  return Conv2d(Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

// The 3x3 convolution has the stride ("ResNet V1.5"), as in torchvision 0.29.2, models/resnet.py.
class Bottleneck : public torch::nn::Module {
 public:
  Bottleneck(std::int64_t in, std::int64_t planes, std::int64_t stride, bool downsample) {
    conv1_ = register_module("conv1", Convolution(in, planes, 1));
    bn1_ = register_module("bn1", BatchNorm2d(planes));
    conv2_ = register_module("conv2", Convolution(planes, planes, 3, stride));
    bn2_ = register_module("bn2", BatchNorm2d(planes));
    conv3_ = register_module("conv3", Convolution(planes, planes * kExpansion, 1));
    bn3_ = register_module("bn3", BatchNorm2d(planes * kExpansion));
    if (downsample) {
      downsample_ = register_module(
          "downsample", Sequential(Convolution(in, planes * kExpansion, 1, stride), BatchNorm2d(planes * kExpansion)));
    }
  }

  at::Tensor forward(const at::Tensor& x) {
    at::Tensor out = bn1_->forward(conv1_->forward(x)).relu_();
    out = bn2_->forward(conv2_->forward(out)).relu_();
    out = bn3_->forward(conv3_->forward(out));
    out += downsample_ ? downsample_->forward(x) : x;
    return out.relu_();
  }

 private:
  Conv2d conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr};
  BatchNorm2d bn1_{nullptr}, bn2_{nullptr}, bn3_{nullptr};
  Sequential downsample_{nullptr};
};

class ResNet : public torch::nn::Module {
 public:
  ResNet() {
    conv1_ = register_module("conv1", Conv2d(Conv2dOptions(3, 64, 7).stride(2).padding(3).bias(false)));
    bn1_ = register_module("bn1", BatchNorm2d(64));
    constexpr int kBlocks[] = {3, 4, 6, 3};
    std::int64_t in = 64;
    for (int i = 0; i < 4; ++i) {
      const std::int64_t planes = std::int64_t{64} << i;
      for (int block = 0; block < kBlocks[i]; ++block) {
        layers_[i]->push_back(std::make_shared<Bottleneck>(in, planes, block == 0 && i > 0 ? 2 : 1, block == 0));
        in = planes * kExpansion;
      }
      register_module("layer" + std::to_string(i + 1), layers_[i]);
    }
    fc_ = register_module("fc", torch::nn::Linear(in, 1000));
    for (const auto& module : modules(/*include_self=*/false)) {
      if (auto* conv = module->as<torch::nn::Conv2dImpl>()) {
        torch::nn::init::kaiming_normal_(conv->weight, 0, torch::kFanOut, torch::kReLU);
      }
    }
  }

  // (batch, 3, height, width) -> (batch, 1000)
  at::Tensor forward(const at::Tensor& images) {
    at::Tensor x = bn1_->forward(conv1_->forward(images)).relu_();
    x = at::max_pool2d(x, 3, 2, 1);
    for (auto& layer : layers_) x = layer->forward(x);
    return fc_->forward(at::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
  }

 private:
  Conv2d conv1_{nullptr};
  BatchNorm2d bn1_{nullptr};
  Sequential layers_[4];
  torch::nn::Linear fc_{nullptr};
};

}  // namespace

std::vector<Model> Resnet50Models() {
  const auto images = [](std::int64_t batch) { return ExampleInput({batch, 3, 224, 224}, 6); };
  return {SingleInputModel<ResNet>("resnet50", "torchvision's resnet50: 161 weights and 159 buffers, 102 MB", {1, 4},
                                   images)};
}

}  // namespace loadpath
