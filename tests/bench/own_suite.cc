// A suite of one's own: one model, and what is wrong with others if the variable OWN_SUITE_WRONG says so.
#include <torch/nn/modules/linear.h>

#include <cstdlib>

#include "loadpath/suite.h"

namespace {

struct Net : torch::nn::Module {
  Net() : linear(register_module("linear", torch::nn::Linear(3, 2))) {}
  torch::nn::Linear linear;
};

loadpath::Model Mine() {
  return {.name = "mynet",
          .summary = "one Linear(3, 2) of one's own",
          .make = [] { return std::make_shared<Net>(); },
          .example_inputs =
              [](std::int64_t batch) {
                return std::vector{loadpath::ExampleInput({batch, 3}, 1)};
              },
          .forward = [](torch::nn::Module& module,
                        auto inputs) { return std::vector{dynamic_cast<Net&>(module).linear->forward(inputs[0])}; },
          .batches = {1, 8}};
}

std::vector<loadpath::Model> Models(const std::string& wrong) {
  if (wrong == "none") return {};
  loadpath::Model other = Mine();
  if (wrong == "slash") other.name = "a/b";
  if (wrong == "empty") other.name = "";
  if (wrong == "make") other.make = nullptr;
  if (wrong == "forward") other.forward = nullptr;
  if (wrong == "inputs") other.example_inputs = nullptr;
  if (wrong == "batches") other.batches = {};
  if (wrong == "batch") other.batches = {1, 0};
  if (wrong == "twice") return {other, other};
  return {other};
}

}  // namespace

int main(int argc, char** argv) {
  const char* wrong = std::getenv("OWN_SUITE_WRONG");
  return loadpath::SuiteMain(argc, argv, Models(wrong == nullptr ? "" : wrong));
}
