#include <gtest/gtest.h>
#include <torch/types.h>

#include "harness/golden/compare.h"
#include "tests/models/reference_module.h"

namespace loadpath {
namespace {

// Shows what eval() does on the two models that behave differently in train mode.
class EvalTest : public testing::TestWithParam<const char*> {
 protected:
  const Model& model_ = *FindModel(GetParam());
  std::shared_ptr<torch::nn::Module> module_ = ReferenceModule(model_);
  const ManifestModel& reference_ = ReferenceOf(model_);
  Golden golden_ = ReadGolden(ReferenceManifest(), reference_, 32);
  torch::NoGradGuard no_grad_;

  Comparison RunAndCompare() {
    return Compare(model_.forward(*module_, golden_.inputs)[0], golden_.outputs[0], {reference_.rtol, reference_.atol});
  }
};
INSTANTIATE_TEST_SUITE_P(Models, EvalTest, testing::Values("dropout", "batchnorm"),
                         [](const auto& info) { return info.param; });

TEST_P(EvalTest, OutputsDifferInTrainModeAndMatchInEvalMode) {
  module_->train();
  EXPECT_FALSE(RunAndCompare().equal);
  module_ = ReferenceModule(model_);
  EXPECT_TRUE(RunAndCompare().equal) << RunAndCompare().sentence;
}

TEST_P(EvalTest, ForwardInEvalModeDoesNotChangeTheModule) {
  RunAndCompare();
  EXPECT_EQ(CheckParameters(*module_, reference_), "");
}

TEST(Dropout, IsRandomOnlyInTrainMode) {
  const Model& model = *FindModel("dropout");
  const auto module = ReferenceModule(model);
  const auto inputs = model.example_inputs(32);
  torch::NoGradGuard no_grad;
  const auto run = [&] { return Digest(model.forward(*module, inputs)[0]); };
  EXPECT_EQ(run(), run());
  module->train();
  EXPECT_NE(run(), run());
  module->eval();
  EXPECT_EQ(run(), run());
}

TEST(BatchNorm, ChangesItsStatisticsOnlyInTrainMode) {
  const Model& model = *FindModel("batchnorm");
  const auto module = ReferenceModule(model);
  const auto inputs = model.example_inputs(32);
  torch::NoGradGuard no_grad;
  const auto state = [&] { return Digest(module->named_buffers()["bn.running_mean"]); };
  const auto counter = [&] { return module->named_buffers()["bn.num_batches_tracked"].item<std::int64_t>(); };
  const std::string before = state();
  EXPECT_EQ(counter(), 3);
  model.forward(*module, inputs);
  EXPECT_EQ(state(), before);
  EXPECT_EQ(counter(), 3);
  module->train();
  model.forward(*module, inputs);
  EXPECT_NE(state(), before);
  EXPECT_EQ(counter(), 4);
}

TEST(BatchNorm, OutputsOfARowDependOnOtherRowsOnlyInTrainMode) {
  const Model& model = *FindModel("batchnorm");
  const auto module = ReferenceModule(model);
  const at::Tensor input = model.example_inputs(32)[0];
  torch::NoGradGuard no_grad;
  const auto first_row = [&](std::int64_t rows) {
    const std::vector<at::Tensor> inputs = {input.slice(0, 0, rows)};
    return model.forward(*module, inputs)[0][0].clone();
  };
  EXPECT_TRUE(at::allclose(first_row(32), first_row(8)));
  module->train();
  EXPECT_FALSE(at::allclose(first_row(32), first_row(8)));
}

}  // namespace
}  // namespace loadpath
