#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "models/entries.h"

namespace loadpath {
namespace {

using torch::nn::Conv2d, torch::nn::Conv2dOptions, torch::nn::Linear, torch::nn::PReLU, torch::nn::PReLUOptions;

// The three networks of MTCNN (Zhang et al., IEEE Signal Processing Letters 2016) in facenet-pytorch 2.6.0,
// models/mtcnn.py. Images are (batch, 3, height, width) in [-1, 1]. The outputs are in Python's order: the box's
// offsets first, the probability of a face last.

// The same as nn.MaxPool2d(size, 2, ceil_mode=True), which also pools the incomplete windows at the border.
at::Tensor Pool(const at::Tensor& x, std::int64_t size) {
  return at::max_pool2d(x, {size, size}, {2, 2}, /*padding=*/{0, 0}, /*dilation=*/{1, 1}, /*ceil_mode=*/true);
}

// Orders width before height before channels, as the Caffe model did that the dense layers' weights come from.
at::Tensor Flat(const at::Tensor& x) { return x.permute({0, 3, 2, 1}).contiguous().view({x.size(0), -1}); }

class Net : public torch::nn::Module {
 protected:
  Conv2d Conv(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel) {
    return register_module(name, Conv2d(Conv2dOptions(in, out, kernel)));
  }
  PReLU Activation(const std::string& name, std::int64_t channels) {
    return register_module(name, PReLU(PReLUOptions().num_parameters(channels)));
  }
  Linear Dense(const std::string& name, std::int64_t in, std::int64_t out) {
    return register_module(name, Linear(in, out));
  }
};

// Proposals over a whole image: (batch, 4, h, w) and (batch, 2, h, w).
class PNet : public Net {
 public:
  std::vector<at::Tensor> forward(const at::Tensor& image) {
    at::Tensor x = Pool(prelu1_->forward(conv1_->forward(image)), 2);
    x = prelu2_->forward(conv2_->forward(x));
    x = prelu3_->forward(conv3_->forward(x));
    return {conv4_2_->forward(x), at::softmax(conv4_1_->forward(x), 1)};
  }

 private:
  Conv2d conv1_ = Conv("conv1", 3, 10, 3);
  PReLU prelu1_ = Activation("prelu1", 10);
  Conv2d conv2_ = Conv("conv2", 10, 16, 3);
  PReLU prelu2_ = Activation("prelu2", 16);
  Conv2d conv3_ = Conv("conv3", 16, 32, 3);
  PReLU prelu3_ = Activation("prelu3", 32);
  Conv2d conv4_1_ = Conv("conv4_1", 32, 2, 1);
  Conv2d conv4_2_ = Conv("conv4_2", 32, 4, 1);
};

// Crops of 24 x 24: (batch, 4) and (batch, 2).
class RNet : public Net {
 public:
  std::vector<at::Tensor> forward(const at::Tensor& image) {
    at::Tensor x = Pool(prelu1_->forward(conv1_->forward(image)), 3);
    x = Pool(prelu2_->forward(conv2_->forward(x)), 3);
    x = prelu3_->forward(conv3_->forward(x));
    x = prelu4_->forward(dense4_->forward(Flat(x)));
    return {dense5_2_->forward(x), at::softmax(dense5_1_->forward(x), 1)};
  }

 private:
  Conv2d conv1_ = Conv("conv1", 3, 28, 3);
  PReLU prelu1_ = Activation("prelu1", 28);
  Conv2d conv2_ = Conv("conv2", 28, 48, 3);
  PReLU prelu2_ = Activation("prelu2", 48);
  Conv2d conv3_ = Conv("conv3", 48, 64, 2);
  PReLU prelu3_ = Activation("prelu3", 64);
  Linear dense4_ = Dense("dense4", 576, 128);
  PReLU prelu4_ = Activation("prelu4", 128);
  Linear dense5_1_ = Dense("dense5_1", 128, 2);
  Linear dense5_2_ = Dense("dense5_2", 128, 4);
};

// Crops of 48 x 48: (batch, 4), the five landmarks (batch, 10), and (batch, 2).
class ONet : public Net {
 public:
  std::vector<at::Tensor> forward(const at::Tensor& image) {
    at::Tensor x = Pool(prelu1_->forward(conv1_->forward(image)), 3);
    x = Pool(prelu2_->forward(conv2_->forward(x)), 3);
    x = Pool(prelu3_->forward(conv3_->forward(x)), 2);
    x = prelu4_->forward(conv4_->forward(x));
    x = prelu5_->forward(dense5_->forward(Flat(x)));
    return {dense6_2_->forward(x), dense6_3_->forward(x), at::softmax(dense6_1_->forward(x), 1)};
  }

 private:
  Conv2d conv1_ = Conv("conv1", 3, 32, 3);
  PReLU prelu1_ = Activation("prelu1", 32);
  Conv2d conv2_ = Conv("conv2", 32, 64, 3);
  PReLU prelu2_ = Activation("prelu2", 64);
  Conv2d conv3_ = Conv("conv3", 64, 64, 3);
  PReLU prelu3_ = Activation("prelu3", 64);
  Conv2d conv4_ = Conv("conv4", 64, 128, 2);
  PReLU prelu4_ = Activation("prelu4", 128);
  Linear dense5_ = Dense("dense5", 1152, 256);
  PReLU prelu5_ = Activation("prelu5", 256);
  Linear dense6_1_ = Dense("dense6_1", 256, 2);
  Linear dense6_2_ = Dense("dense6_2", 256, 4);
  Linear dense6_3_ = Dense("dense6_3", 256, 10);
};

// Not square, so that swapping height and width changes the outputs.
at::Tensor Image(std::int64_t batch) { return ExampleInput({batch, 3, 36, 48}, 9); }
at::Tensor SmallCrop(std::int64_t batch) { return ExampleInput({batch, 3, 24, 24}, 9); }
at::Tensor LargeCrop(std::int64_t batch) { return ExampleInput({batch, 3, 48, 48}, 9); }

}  // namespace

std::vector<Model> FacenetModels() {
  return {
      SingleInputModel<PNet>("facenet:pnet",
                             "facenet-pytorch's MTCNN PNet with its published weights, in the legacy format", {1, 16},
                             Image),
      SingleInputModel<RNet>("facenet:rnet",
                             "facenet-pytorch's MTCNN RNet with its published weights, in the legacy format", {1, 16},
                             SmallCrop),
      SingleInputModel<ONet>("facenet:onet",
                             "facenet-pytorch's MTCNN ONet with its published weights, in the legacy format", {1, 16},
                             LargeCrop),
  };
}

}  // namespace loadpath
