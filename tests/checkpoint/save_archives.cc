// Saves modules, an optimizer and tensors with LibTorch's own torch::save: what the reader is tested on.
#include <torch/torch.h>

#include <string>

namespace {

struct Block : torch::nn::Module {
  Block() {
    first = register_module("conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(2, 2, 3).bias(false)));
    norm = register_module("bn1", torch::nn::BatchNorm2d(2));
    down = register_module("downsample", torch::nn::Sequential(torch::nn::Conv2d(2, 2, 1), torch::nn::BatchNorm2d(2)));
  }
  torch::Tensor forward(const torch::Tensor& x) { return norm->forward(first->forward(x)); }

  torch::nn::Conv2d first{nullptr};
  torch::nn::BatchNorm2d norm{nullptr};
  torch::nn::Sequential down{nullptr};
};

struct Nested : torch::nn::Module {
  Nested() {
    layer1 = register_module("layer1", torch::nn::Sequential(Block(), Block()));
    fc = register_module("fc", torch::nn::Linear(2, 3));
    scale = register_parameter("scale", torch::arange(3).to(torch::kBFloat16), false);
    table = register_buffer("table", torch::arange(6).reshape({2, 3}).t());
    register_module("tied", fc);
    register_module("act", torch::nn::ReLU());
  }
  torch::nn::Sequential layer1{nullptr};
  torch::nn::Linear fc{nullptr};
  torch::Tensor scale, table;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string folder = std::string(argv[1]) + "/";
  torch::manual_seed(0);
  torch::nn::Linear linear(10, 2);
  torch::save(linear, folder + "linear.cpp.pt");
  const auto nested = std::make_shared<Nested>();
  torch::save(nested, folder + "nested.cpp.pt");
  const torch::nn::Sequential sequential(torch::nn::Linear(2, 3), torch::nn::ReLU(), torch::nn::Linear(3, 1));
  torch::save(sequential, folder + "sequential.cpp.pt");
  torch::optim::Adam adam(linear->parameters());
  linear->forward(torch::ones({1, 10})).sum().backward();
  adam.step();
  torch::save(adam, folder + "adam.cpp.pt");
  torch::save(torch::arange(4), folder + "tensor.cpp.pt");
  torch::save(std::vector<torch::Tensor>{torch::ones(2), torch::arange(3)}, folder + "tensors.cpp.pt");
}
