#include "harness/diff/causes.h"

#include <gmock/gmock.h>

#include "harness/checkpoint/key_mapping.h"
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

std::string Cause(const FileAndKey& name, const std::vector<NestedKeys>& places) { return NestedCause(name, places); }

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
  EXPECT_THAT(FindNested(*checkpoint, kLinear, ""), ElementsAre(NestedKeys{"state.model", ""}));
  EXPECT_THAT(FindNested(*checkpoint, kLinear, "state.model"), IsEmpty());
  EXPECT_EQ(Cause({"a.pth", "a.pth", ""}, {{"state.model", ""}}),
            "the state dict lies under \"state.model\": --key state.model");
  EXPECT_EQ(Cause({"a b.pth::x", "a b.pth", "x"}, {{"state.model", ""}}),
            "the state dict lies under \"state.model\": 'a b.pth::state.model'");
  EXPECT_EQ(Cause({"a.pth", "a.pth", ""}, {{"my state", ""}}),
            "the state dict lies under \"my state\": --key 'my state'");
}

TEST(CausesTest, FindsANestedStateDictWhoseKeysHaveAPrefix) {
  using namespace pickles;
  const std::string tensor = Tensor("0", 1, 0, {1}, {1});
  const auto checkpoint = Opened(
      Dict({{"state_dict", Dict({{"module.linear.weight", tensor}, {"module.linear.bias", tensor}})}}), {{"0", {1}}});
  const auto nested = FindNested(*checkpoint, kLinear, "");
  EXPECT_THAT(nested, ElementsAre(NestedKeys{"state_dict", "module."}));
  EXPECT_EQ(NestedCause({"a.pth", "a.pth", ""}, nested),
            "the state dict lies under \"state_dict\", and its keys begin with \"module.\": --key state_dict --prefix "
            "module.");
}

TEST(CausesTest, NamesEveryStateDictThatFitsAsWell) {
  using namespace pickles;
  const std::string tensor = Tensor("0", 1, 0, {1}, {1});
  const std::string plain = Dict({{"w", tensor}}), wrapped = Dict({{"module.w", tensor}});
  const auto checkpoint = Opened(
      Dict({{"ema", plain}, {"model", plain}, {"other", Dict({{"x", tensor}})}, {"ddp", wrapped}}), {{"0", {1}}});
  const auto nested = FindNested(*checkpoint, Keys{{"w", "float32", {1}}}, "");
  EXPECT_THAT(nested, ElementsAre(NestedKeys{"ddp", "module."}, NestedKeys{"ema", ""}, NestedKeys{"model", ""}));
  EXPECT_EQ(NestedCause({"a.pth", "a.pth", ""}, nested),
            "the state dict lies under \"ddp\" (where keys begin with \"module.\"), under \"ema\" or under \"model\": "
            "name one with --key");
  EXPECT_THAT(NestedCause({"a.pth::x", "a.pth", "x"}, nested), testing::EndsWith(": name one with FILE::KEY"));
  const std::vector<NestedKeys> many(10, {"a", ""});
  EXPECT_THAT(NestedText(many), testing::EndsWith("under \"a\" or 2 more"));
}

TEST(CausesTest, NamesEveryPrefixThatFitsAsWell) {
  Keys have;
  for (const char* encoder : {"encoder_q.", "encoder_k."}) {
    for (const KeyInfo& info : kLinear) have.push_back({encoder + info.key, info.dtype, info.shape});
  }
  EXPECT_THAT(Causes(kLinear, have),
              ElementsAre("2 keys of the file begin with \"encoder_k.\" or \"encoder_q.\", those of the model do not: "
                          "--prefix removes the one that you name"));
}

TEST(CausesTest, ALayerOfTheSameNameInsideAnotherOneIsNoPrefix) {
  const Keys wanted = {{"custom.linear.weight", "float32", {128, 64}},
                       {"custom.linear.bias", "float32", {128}},
                       {"linear.weight", "float32", {10, 128}},
                       {"linear.bias", "float32", {10}}};
  const Keys have = {{"custom_layer.linear.weight", "float32", {128, 64}},
                     {"custom_layer.linear.bias", "float32", {128}},
                     {"fc.weight", "float32", {10, 128}},
                     {"fc.bias", "float32", {10}}};
  EXPECT_THAT(Causes(wanted, have), ElementsAre(testing::StartsWith("renamed: \"custom.linear.weight\" may be "
                                                                    "\"custom_layer.linear.weight\"")));
  using namespace pickles;
  const auto checkpoint = Opened(Dict({{"m", Dict({{"custom_layer.linear.weight", Tensor("0", 2, 0, {2, 1}, {1, 1})},
                                                   {"custom_layer.linear.bias", Tensor("0", 2, 0, {2}, {1})}})}}),
                                 {{"0", {1, 2}}});
  EXPECT_THAT(FindNested(*checkpoint, wanted, ""), IsEmpty());
}

TEST(CausesTest, AFewOfTheMissingKeysAreNoReasonForAPrefix) {
  const Keys wanted = {{"a.w", "float32", {1}}, {"b.w", "float32", {2}}, {"c.w", "float32", {3}}};
  EXPECT_THAT(Causes(wanted, {{"module.a.w", "float32", {1}}, {"x", "float32", {9}}}),
              ElementsAre(testing::StartsWith("renamed: ")));
  EXPECT_THAT(Causes(wanted, {{"module.a.w", "float32", {1}}, {"module.b.w", "float32", {2}}}),
              ElementsAre(testing::StartsWith("2 keys of the file begin with \"module.\"")));
}

TEST(CausesTest, SpeaksOfOneKey) {
  EXPECT_THAT(Causes({{"w", "float32", {1}}}, {{"module.w", "float32", {1}}}),
              ElementsAre("1 key of the file begins with \"module.\", those of the model do not: --prefix module. "
                          "removes it"));
}

// The keys of `have` with the prefix removed that a user gave.
Keys Without(const std::string& prefix, const Keys& have) {
  std::vector<std::string> keys;
  for (const KeyInfo& info : have) keys.push_back(info.key);
  Keys left;
  const MappedKeys mapped = KeyMapping({.prefixes = {prefix}}, "file").Map(keys);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    left.push_back({mapped.names[i].value(), have[i].dtype, have[i].shape});
    if (left.back().key != keys[i]) left.back().file_key = keys[i];
  }
  return left;
}

TEST(CausesTest, NamesThePrefixThatTheFileHasWhateverWasGiven) {
  const Keys have = {{"module.linear.weight", "float32", {2, 10}}, {"module.linear.bias", "float32", {2}}};
  for (const char* given : {"module", "modul.", "mod", "module.linear."}) {
    EXPECT_THAT(Causes(kLinear, Without(given, have)),
                ElementsAre("2 keys of the file begin with \"module.\", those of the model do not: --prefix module. "
                            "removes it"))
        << given;
  }
  EXPECT_THAT(Causes(kLinear, Without("module.", have)), IsEmpty());
}

TEST(CausesTest, GivesNoOtherPrefixInPlaceOfOneThatIsNeeded) {
  const Keys have = {{"a.linear.weight", "float32", {2, 10}}, {"b.linear.bias", "float32", {2}}};
  EXPECT_THAT(Causes(kLinear, Without("a.", have)),
              ElementsAre("1 key of the file begins with \"b.\", those of the model do not"));
  // Nor if it is the other file that needs it.
  const Keys wanted = Without("a.", {{"a.linear.weight", "float32", {2, 10}}, {"linear.bias", "float32", {2}}});
  const Keys other = {{"linear.weight", "float32", {2, 10}}, {"b.linear.bias", "float32", {2}}};
  EXPECT_THAT(LikelyCauses({wanted, other, "x", "y", /*both_files=*/true}),
              ElementsAre("1 key of y begins with \"b.\", those of x do not"));
}

TEST(CausesTest, OfTwoFilesThePrefixIsRemovedFromEither) {
  const Keys longer = {{"module.linear.weight", "float32", {2, 10}}, {"module.linear.bias", "float32", {2}}};
  EXPECT_THAT(LikelyCauses({longer, kLinear, "a", "b", /*both_files=*/true}),
              ElementsAre("2 keys of a begin with \"module.\", those of b do not: --prefix module. removes it"));
  EXPECT_THAT(
      Causes(longer, kLinear),
      ElementsAre("2 keys of the model begin with \"module.\", those of the file do not: was a part of it saved, "
                  "or a module not wrapped?"));
}

TEST(CausesTest, APrefixOfKeysThatMatchIsNotRemovedFromThem) {
  // One layer was saved inside another one: removing "layer4." would take away all the others.
  const Keys wanted = {{"layer4.0.weight", "float32", {3}}, {"fc.weight", "float32", {2}}, {"fc.bias", "float32", {1}}};
  const Keys have = {
      {"layer4.0.weight", "float32", {3}}, {"layer4.fc.weight", "float32", {2}}, {"layer4.fc.bias", "float32", {1}}};
  EXPECT_THAT(Causes(wanted, have),
              ElementsAre(testing::StartsWith("renamed: \"fc.weight\" may be \"layer4.fc.weight\"")));
}

TEST(CausesTest, APrefixWhoseRemovalPutsOneKeyInThePlaceOfAnotherIsNone) {
  const Keys have = {{"module.linear.weight", "float32", {2, 10}},
                     {"module.linear.bias", "float32", {2}},
                     {"linear.weight", "float32", {2, 10}}};
  EXPECT_THAT(Causes(kLinear, have), testing::Not(testing::Contains(testing::HasSubstr("--prefix"))));
}

TEST(CausesTest, ARenamedKeyIsTheOneWithMostInCommonAndEachOnlyOnce) {
  const Keys wanted = {{"model.a.w", "float32", {1}}, {"ema.a.w", "float32", {1}}};
  const Keys have = {{"ema.module.a.w", "float32", {1}}, {"model.module.a.w", "float32", {1}}};
  EXPECT_THAT(Causes(wanted, have),
              ElementsAre("renamed: \"model.a.w\" may be \"model.module.a.w\", \"ema.a.w\" may be "
                          "\"ema.module.a.w\" in the file"));
  Keys many_wanted, many_have;
  for (int i = 0; i < 10; ++i) {
    many_wanted.push_back({"old.w" + std::to_string(i), "float32", {i + 1}});
    many_have.push_back({"new.w" + std::to_string(i), "float32", {i + 1}});
  }
  EXPECT_THAT(Causes(many_wanted, many_have), ElementsAre(testing::EndsWith("\"new.w7\" and 2 more in the file")));
}

TEST(CausesTest, LooksForAPrefixInTheFirstEightComponentsOfAKey) {
  EXPECT_THAT(Causes({{"w", "float32", {1}}}, {{"1.2.3.4.5.6.7.8.w", "float32", {1}}}),
              ElementsAre(testing::HasSubstr("begins with \"1.2.3.4.5.6.7.8.\"")));
  EXPECT_THAT(Causes({{"w", "float32", {1}}}, {{"1.2.3.4.5.6.7.8.9.w", "float32", {1}}}),
              ElementsAre(testing::Not(testing::HasSubstr("begins with"))));
}

TEST(CausesTest, APrefixDoesNotReachIntoADict) {
  const std::vector<std::string> inside = {"module", "w"}, plain = {"module.w"};
  const Keys wanted = {{"w", "float32", {1}}};
  EXPECT_THAT(Causes(wanted, {{"module.w", "float32", {1}, plain}}),
              ElementsAre(testing::HasSubstr("--prefix module.")));
  EXPECT_THAT(Causes(wanted, {{"module.w", "float32", {1}, inside}}),
              ElementsAre(testing::Not(testing::HasSubstr("--prefix"))));
}

TEST(CausesTest, AShiftPairsEqualShapes) {
  EXPECT_THAT(Causes({{"0.weight", "float32", {4}}}, {{"1.weight", "float32", {5}}}),
              ElementsAre(testing::StartsWith("no key of")));
}

TEST(CausesTest, AShiftHasToPairMoreThanThereIsInPlace) {
  EXPECT_THAT(Causes({{"0.w", "float32", {4}}, {"1.w", "float32", {4}}, {"2.w", "float32", {5}}},
                     {{"0.w", "float32", {4}}, {"1.w", "float32", {4}}, {"2.w", "float32", {6}}}),
              IsEmpty());
}

TEST(CausesTest, WhatLiesUnderTheEmptyKeyHasNoKeyPath) {
  using namespace pickles;
  const auto checkpoint = Opened(Dict({{"", Dict({{"w", Tensor("0", 1, 0, {1}, {1})}})}}), {{"0", {1}}});
  for (const char* current : {"", "x"}) {
    EXPECT_THAT(FindNested(*checkpoint, Keys{{"w", "float32", {1}}}, current), IsEmpty());
  }
}

TEST(CausesTest, OnePathCannotNameTwoDicts) {
  using namespace pickles;
  const std::string dict = Dict({{"w", Tensor("0", 1, 0, {1}, {1})}});
  const auto checkpoint = Opened(Dict({{"a", Dict({{"b", dict}})}, {"a.b", dict}}), {{"0", {1}}});
  EXPECT_THAT(FindNested(*checkpoint, Keys{{"w", "float32", {1}}}, ""), ElementsAre(NestedKeys{"a.b", ""}));
}

TEST(CausesTest, NamesEveryPrefixInOneNestedDict) {
  using namespace pickles;
  const std::string tensor = Tensor("0", 1, 0, {1}, {1});
  const auto checkpoint = Opened(Dict({{"m", Dict({{"q.w", tensor}, {"k.w", tensor}})}}), {{"0", {1}}});
  const auto nested = FindNested(*checkpoint, Keys{{"w", "float32", {1}}}, "");
  EXPECT_THAT(nested, ElementsAre(NestedKeys{"m", "k."}, NestedKeys{"m", "q."}));
}

TEST(CausesTest, NamesEachOfManyDictsThatFit) {
  using namespace pickles;
  std::vector<std::pair<std::string, std::string>> dicts;
  const std::string dict = Dict({{"w", Tensor("0", 1, 0, {1}, {1})}});
  for (int i = 0; i < 30'000; ++i) dicts.emplace_back(std::to_string(i), dict);
  const auto checkpoint = Opened(Dict(dicts), {{"0", {1}}});
  EXPECT_EQ(FindNested(*checkpoint, Keys{{"w", "float32", {1}}}, "").size(), 30'000);
}

TEST(CausesTest, ADictAsItIsComesBeforeItselfWithAPrefix) {
  using namespace pickles;
  const std::string tensor = Tensor("0", 2, 0, {2}, {1});
  const auto checkpoint =
      Opened(Dict({{"m", Dict({{"custom.linear.weight", tensor}, {"linear.weight", tensor}})}}), {{"0", {1, 2}}});
  EXPECT_THAT(FindNested(*checkpoint, Keys{{"linear.weight", "float32", {9}}}, ""), ElementsAre(NestedKeys{"m", ""}));
}

TEST(CausesTest, FindsTheStateDictWhoseShapesAreRight) {
  using namespace pickles;
  const std::string small = Tensor("0", 2, 0, {1}, {1}), large = Tensor("0", 2, 0, {2}, {1});
  const auto checkpoint = Opened(Dict({{"a", Dict({{"w", small}})}, {"b", Dict({{"w", large}})}}), {{"0", {1, 2}}});
  const Keys wants_small = {{"w", "float32", {1}}}, wants_large = {{"w", "float32", {2}}},
             wants_other = {{"w", "float32", {3}}};
  EXPECT_THAT(FindNested(*checkpoint, wants_small, "b"), ElementsAre(NestedKeys{"a", ""}));
  EXPECT_THAT(FindNested(*checkpoint, wants_large, "a"), ElementsAre(NestedKeys{"b", ""}));
  EXPECT_THAT(FindNested(*checkpoint, wants_other, "b"), IsEmpty()) << "no place is better than the one that was named";
}

TEST(CausesTest, FindsTheStateDictAtTheTopLevel) {
  using namespace pickles;
  const std::string tensor = Tensor("0", 1, 0, {1}, {1});
  const auto checkpoint = Opened(Dict({{"w", tensor}, {"other", Dict({{"x", tensor}})}}), {{"0", {1}}});
  const auto nested = FindNested(*checkpoint, Keys{{"w", "float32", {1}}}, "other");
  EXPECT_THAT(nested, ElementsAre(NestedKeys{"", ""}));
  EXPECT_EQ(NestedCause({"a.pth", "a.pth", "other"}, nested),
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
