#include "harness/suite/fitting_model.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "harness/golden/safetensors_io.h"
#include "loadpath/module_info.h"
#include "models/models.h"

namespace loadpath {
namespace {

using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

// The state dict of a file that holds these tensors.
StateDict Saved(const Tensors& tensors) {
  const std::string file = "fitting_model_test." + std::to_string(getpid()) + ".safetensors";
  WriteSafetensors(file, tensors);
  StateDict state_dict = StateDict::From(Checkpoint::Open(file));
  std::filesystem::remove(file);
  return state_dict;
}

std::string FittingName(const Tensors& tensors) {
  const Model* found = FittingModel(Saved(tensors), Models());
  return found == nullptr ? "" : std::string(found->name);
}

const at::Tensor kWeight = at::zeros({2, 10}), kBias = at::zeros({2});

TEST(FittingModel, HasExactlyTheKeysAndShapes) {
  EXPECT_EQ(FittingName({{"linear.weight", kWeight}, {"linear.bias", kBias}}), "linear");
  EXPECT_EQ(FittingName({{"linear.weight", kWeight}}), "");
  EXPECT_EQ(FittingName({{"linear.weight", kWeight}, {"linear.bias", kBias}, {"step", kBias}}), "");
  EXPECT_EQ(FittingName({{"linear.weight", at::zeros({2, 11})}, {"linear.bias", kBias}}), "");
  EXPECT_EQ(FittingName({}), "");
}

TEST(FittingModel, MayHaveAnotherDtype) {
  EXPECT_EQ(FittingName({{"linear.weight", kWeight.to(at::kHalf)}, {"linear.bias", kBias.to(at::kHalf)}}), "linear");
}

class WithScratch : public torch::nn::Module, public ModuleInfo {
 public:
  WithScratch() {
    register_buffer("kept", at::zeros({3}));
    register_buffer("scratch", at::zeros({5}));
    non_persistent = {"scratch"};
  }
};

TEST(FittingModel, LeavesOutNonPersistentBuffers) {
  Model model;
  model.name = "scratch";
  model.make = [] { return std::make_shared<WithScratch>(); };
  EXPECT_EQ(FittingModel(Saved({{"kept", at::zeros({3})}}), {&model, 1}), &model);
  EXPECT_EQ(FittingModel(Saved({{"kept", at::zeros({3})}, {"scratch", at::zeros({5})}}), {&model, 1}), nullptr);
}

}  // namespace
}  // namespace loadpath
