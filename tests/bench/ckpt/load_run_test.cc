#include "bench/ckpt/load_run.h"

#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <torch/nn/module.h>

#include "bench/ckpt/model_keys.h"
#include "models/models.h"
#include "tests/inspect/pickles.h"

namespace loadpath::ckpt {
namespace {

using namespace pickles;

TEST(LoadRunTest, CountsWhatThePathPlannedAsParseAndNothingElse) {
  const MemoryFile file(File(
      Dict({{"linear.weight", Tensor("0", 20, 0, {2, 10}, {10, 1})}, {"linear.bias", Tensor("1", 2, 0, {2}, {1})}}),
      {{"0", std::vector<float>(20, 0.5F)}, {"1", {1, 2}}}));
  LoadPath path = *FindLoadPath("copy");
  path.load = [](const LoadRequest& request) {
    LoadResult result = FindLoadPath("copy")->load(request);
    result.seconds.plan = 0x1p-30;  // less than reading any state dict takes
    return result;
  };
  LoadOptions options;
  options.file = ParseFileAndKey(file.path());
  options.model = "linear";
  const LoadRecord record = Load(Models(), *FindModel("linear"), path, at::kCPU, options);
  EXPECT_TRUE(record.errors.empty());
  EXPECT_EQ(record.bytes, 88);
  EXPECT_EQ(record.seconds.parse, 0x1p-30);
}

struct Tied : torch::nn::Module {
  Tied() {
    const at::Tensor shared = register_parameter("wte", at::zeros({2}));
    register_parameter("bias", at::zeros({2}));
    register_module("head", std::make_shared<torch::nn::Module>())->register_parameter("weight", shared);
    register_module("tail", std::make_shared<torch::nn::Module>())->register_parameter("weight", shared);
  }
};

TEST(WhyNotTest, TellsOfTiedTensorsThatAFileHasOnce) {
  const std::string tensor = Tensor("0", 2, 0, {2}, {1});
  const auto hints = [&](const std::vector<std::pair<std::string, std::string>>& items) {
    Tied module;
    const auto state_dict = StateDict::From(Opened(Dict(items), {{"0", {1, 2}}}), "");
    return WhyNot(Models(), *FindModel("linear"), module, state_dict, ParseFileAndKey("a.pth"));
  };
  using testing::ElementsAre;
  EXPECT_THAT(hints({{"wte", tensor}, {"bias", tensor}}),
              ElementsAre("\"head.weight\" is the same tensor as \"wte\", which is in the file, and so are the others: "
                          "ckpt load --lenient loads it under both names"));
  EXPECT_THAT(
      hints({{"bias", tensor}, {"wte", tensor}, {"tail.weight", tensor}}),
      ElementsAre("\"head.weight\" is the same tensor as \"wte\", which is in the file: ckpt load --lenient loads "
                  "it under both names"));
  // What is missing besides, or not used, is another matter.
  EXPECT_THAT(hints({{"wte", tensor}}), testing::Not(testing::Contains(testing::HasSubstr("same tensor"))));
  EXPECT_THAT(hints({{"wte", tensor}, {"bias", tensor}, {"more", tensor}}),
              testing::Not(testing::Contains(testing::HasSubstr("same tensor"))));
}

}  // namespace
}  // namespace loadpath::ckpt
