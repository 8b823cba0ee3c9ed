#include <torch/nn/modules/linear.h>

#include <cstdio>

#include "loadpath/load.h"

struct LinearModel : torch::nn::Module {
  LinearModel() : linear(register_module("linear", torch::nn::Linear(10, 2))) {}
  torch::nn::Linear linear;
};

int main(int, char** argv) try {
  LinearModel model;
  loadpath::LoadInto(model, argv[1], {.key = "model_state_dict"});
  const at::Tensor output = model.linear->forward(at::arange(10, at::kFloat));
  std::printf("%.9g %.9g\n", output[0].item<float>(), output[1].item<float>());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
