#include "harness/save/state_dict_tensors.h"

#include <gmock/gmock.h>

#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using namespace pickles;

const std::string kTensor = Tensor("0", 1, 0, {1}, {1});

// The sentence of the refusal.
std::string Refusal(const std::string& value, const std::string& key = "") {
  const auto checkpoint = Opened(value, {{"0", {1}}});
  try {
    TakeStateDict(*checkpoint, key);
  } catch (const CheckpointError& error) {
    return error.sentence();
  }
  return "no refusal";
}

TEST(StateDictTensorsTest, TakesTensorsAndNamesTheRest) {
  const auto checkpoint = Opened(Dict({{"model", Dict({{"w", kTensor}, {"step", Int(3)}})}}), {{"0", {1}}});
  const StateDictTensors taken = TakeStateDict(*checkpoint, "model");
  ASSERT_EQ(taken.tensors.size(), 1);
  EXPECT_THAT(taken.tensors[0].path, testing::ElementsAre("w"));
  EXPECT_THAT(taken.left_out, testing::ElementsAre("step"));
}

TEST(StateDictTensorsTest, NamesTheStateDictsThatThereAre) {
  EXPECT_EQ(Refusal(Dict({{"model", Dict({{"w", kTensor}})}, {"ema", Dict({{"shadow", Dict({{"w", kTensor}})}})}})),
            "has no tensor of its own at its top level; one state dict is written at a time: --key model or --key "
            "ema.shadow");
  EXPECT_EQ(Refusal(Dict({{"w", kTensor}, {"more", List({kTensor})}})),
            "has more tensors below those at its top level; one state dict is written at a time: --key ");
}

TEST(StateDictTensorsTest, RefusesWhatIsNotADict) {
  EXPECT_EQ(Refusal(List({kTensor})), "has no state dict at its top level, but <list of 1>");
}

TEST(StateDictTensorsTest, RefusesKeysThatAreNotText) {
  EXPECT_EQ(Refusal("}(" + Int(3) + kTensor + "u"), "has a tensor at its top level whose key is not text: 3");
}

}  // namespace
}  // namespace loadpath
