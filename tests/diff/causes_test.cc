#include "harness/diff/causes.h"

#include <gmock/gmock.h>

#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Keys = std::vector<KeyInfo>;

std::vector<std::string> Causes(const Keys& wanted, const Keys& have) {
  return LikelyCauses({wanted, have, "the model", "the file"});
}

const Keys kLinear = {{"linear.weight", "float32", {2, 10}}, {"linear.bias", "float32", {2}}};

TEST(CausesTest, SaysNothingIfNothingIsWrong) { EXPECT_THAT(Causes(kLinear, kLinear), IsEmpty()); }

TEST(CausesTest, FindsAPrefix) {
  EXPECT_THAT(Causes(kLinear, {{"module.linear.weight", "float32", {2, 10}}, {"module.linear.bias", "float32", {2}}}),
              ElementsAre("2 keys of the file begin with \"module.\", those of the model do not: --prefix module. "
                          "removes it"));
}

TEST(CausesTest, FindsAShiftedIndex) {
  EXPECT_THAT(Causes({{"0.weight", "float32", {4, 3}}, {"2.weight", "float32", {5, 4}}},
                     {{"1.weight", "float32", {4, 3}}, {"3.weight", "float32", {5, 4}}}),
              ElementsAre(testing::StartsWith("an index is shifted by 1: \"0.weight\" of the model is \"1.weight\"")));
}

TEST(CausesTest, FindsARenamedLayer) {
  EXPECT_THAT(Causes(kLinear, {{"fc.weight", "float32", {2, 10}}, {"fc.bias", "float32", {2}}}),
              ElementsAre("renamed: \"linear.weight\" may be \"fc.weight\", \"linear.bias\" may be \"fc.bias\" in the "
                          "file"));
}

TEST(CausesTest, FindsATransposedMatrix) {
  EXPECT_THAT(Causes(kLinear, {{"linear.weight", "float32", {10, 2}}, {"linear.bias", "float32", {2}}}),
              ElementsAre(testing::StartsWith("1 tensor would fit transposed, \"linear.weight\" first")));
}

TEST(CausesTest, FindsANestedStateDict) {
  using namespace pickles;
  const std::string tensor = Tensor("0", 1, 0, {1}, {1});
  const auto checkpoint = Opened(
      Dict({{"state", Dict({{"model", Dict({{"linear.weight", tensor}, {"linear.bias", tensor}})}})}}), {{"0", {1}}});
  EXPECT_EQ(FindNested(*checkpoint, kLinear, ""), (NestedKeys{"state.model", ""}));
  EXPECT_EQ(FindNested(*checkpoint, kLinear, "state.model"), std::nullopt);
  EXPECT_EQ(NestedCause({"a.pth", "a.pth", ""}, {"state.model", ""}),
            "the state dict lies under \"state.model\": --key state.model");
  EXPECT_EQ(NestedCause({"a b.pth::x", "a b.pth", "x"}, {"state.model", ""}),
            "the state dict lies under \"state.model\": 'a b.pth::state.model'");
  EXPECT_EQ(NestedCause({"a.pth", "a.pth", ""}, {"my state", ""}),
            "the state dict lies under \"my state\": --key 'my state'");
}

TEST(CausesTest, FindsANestedStateDictWhoseKeysHaveAPrefix) {
  using namespace pickles;
  const std::string tensor = Tensor("0", 1, 0, {1}, {1});
  const auto checkpoint = Opened(
      Dict({{"state_dict", Dict({{"module.linear.weight", tensor}, {"module.linear.bias", tensor}})}}), {{"0", {1}}});
  const auto nested = FindNested(*checkpoint, kLinear, "");
  EXPECT_EQ(nested, (NestedKeys{"state_dict", "module."}));
  EXPECT_EQ(NestedCause({"a.pth", "a.pth", ""}, *nested),
            "the state dict lies under \"state_dict\", and its keys begin with \"module.\": --key state_dict --prefix "
            "module.");
}

TEST(CausesTest, NamesTheWholePrefixIfAPartOfItWasRemoved) {
  const Keys have = {{".linear.weight", "float32", {2, 10}}, {".linear.bias", "float32", {2}}};
  EXPECT_THAT(LikelyCauses({kLinear, have, "the model", "the file", "module"}),
              ElementsAre("2 keys of the file begin with \"module.\", those of the model do not: --prefix module. "
                          "removes it"));
}

TEST(CausesTest, FindsTheStateDictWhoseShapesAreRight) {
  using namespace pickles;
  const std::string small = Tensor("0", 2, 0, {1}, {1}), large = Tensor("0", 2, 0, {2}, {1});
  const auto checkpoint = Opened(Dict({{"a", Dict({{"w", small}})}, {"b", Dict({{"w", large}})}}), {{"0", {1, 2}}});
  const Keys wants_small = {{"w", "float32", {1}}}, wants_large = {{"w", "float32", {2}}},
             wants_other = {{"w", "float32", {3}}};
  EXPECT_EQ(FindNested(*checkpoint, wants_small, "b"), (NestedKeys{"a", ""}));
  EXPECT_EQ(FindNested(*checkpoint, wants_large, "a"), (NestedKeys{"b", ""}));
  EXPECT_EQ(FindNested(*checkpoint, wants_other, "b"), std::nullopt)
      << "no place is better than the one that was named";
}

TEST(CausesTest, FindsTheStateDictAtTheTopLevel) {
  using namespace pickles;
  const std::string tensor = Tensor("0", 1, 0, {1}, {1});
  const auto checkpoint = Opened(Dict({{"w", tensor}, {"other", Dict({{"x", tensor}})}}), {{"0", {1}}});
  const auto nested = FindNested(*checkpoint, Keys{{"w", "float32", {1}}}, "other");
  EXPECT_EQ(nested, (NestedKeys{"", ""}));
  EXPECT_EQ(NestedCause({"a.pth", "a.pth", "other"}, *nested),
            "the state dict lies at the top level: leave the key out");
}

TEST(CausesTest, APrefixOfKeysThatAreThereTwiceIsNotRemoved) {
  Keys have = kLinear;
  have.push_back({"ema.linear.weight", "float32", {2, 10}});
  have.push_back({"ema.linear.bias", "float32", {2}});
  EXPECT_THAT(Causes(kLinear, have), IsEmpty());
}

TEST(CausesTest, ANumberThatIsNoPositionIsNoIndex) {
  for (const char* number : {"-9223372036854775808", "-1", "18446744073709551615"}) {
    EXPECT_THAT(Causes({{"0.weight", "float32", {4}}}, {{std::string(number) + ".weight", "float32", {4}}}),
                ElementsAre(testing::StartsWith("renamed")))
        << number;
  }
}

TEST(CausesTest, LooksForAShiftInTheFirstEightNumbersOfAKey) {
  EXPECT_THAT(Causes({{"0.0.0.0.0.0.0.1.w", "float32", {1}}}, {{"0.0.0.0.0.0.0.2.w", "float32", {1}}}),
              ElementsAre(testing::StartsWith("an index is shifted by 1")));
  EXPECT_THAT(Causes({{"0.0.0.0.0.0.0.0.1.w", "float32", {1}}}, {{"0.0.0.0.0.0.0.0.2.w", "float32", {1}}}),
              ElementsAre(testing::StartsWith("renamed")));
}

}  // namespace
}  // namespace loadpath
