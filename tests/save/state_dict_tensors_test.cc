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
    TakeStateDict(*checkpoint, {"x.pth", "x.pth", key});
  } catch (const CheckpointError& error) {
    return error.sentence();
  }
  return "no refusal";
}

TEST(StateDictTensorsTest, TakesTensorsAndNamesTheRest) {
  const auto checkpoint = Opened(Dict({{"model", Dict({{"w", kTensor}, {"step", Int(3)}})}}), {{"0", {1}}});
  const StateDictTensors taken = TakeStateDict(*checkpoint, {"x.pth", "x.pth", "model"});
  ASSERT_EQ(taken.tensors.size(), 1);
  EXPECT_THAT(taken.tensors[0].path, testing::ElementsAre("w"));
  EXPECT_THAT(taken.left_out, testing::ElementsAre("step"));
}

TEST(StateDictTensorsTest, NamesTheStateDictsThatThereAre) {
  EXPECT_EQ(Refusal(Dict({{"model", Dict({{"w", kTensor}})}, {"ema", Dict({{"shadow", Dict({{"w", kTensor}})}})}})),
            "has no tensor of its own at its top level; one state dict is written at a time: --key model or --key "
            "ema.shadow");
  EXPECT_EQ(Refusal(Dict({{"w", kTensor}, {"more", List({kTensor})}})),
            "has more tensors below those at its top level, and a safetensors file holds one dict of tensors: take its "
            "values out in Python");
  EXPECT_EQ(Refusal(Dict({{"m", Dict({{"w", kTensor}, {"my part", Dict({{"w", kTensor}})}})}}), "m"),
            "has more tensors below those under m; one state dict is written at a time: --key 'm.my part'");
  // What lies under the empty key alone has no key path.
  EXPECT_EQ(Refusal(Dict({{"", Dict({{"w", kTensor}, {"x", Dict({{"w", kTensor}})}})}})),
            "has no tensor of its own at its top level; one state dict is written at a time: --key .x");
  EXPECT_EQ(
      Refusal(Dict({{"", Dict({{"w", kTensor}})}})),
      "has no tensor of its own at its top level, and a safetensors file holds one dict of tensors: take its values "
      "out in Python");
}

TEST(StateDictTensorsTest, RemovesAPrefixOrRefuses) {
  const auto names = [](const std::string& value, const std::string& prefix) {
    const auto checkpoint = Opened(value, {{"0", {1}}});
    std::string text;
    try {
      for (const TensorPath& tensor : TakeStateDict(*checkpoint, {"", "", ""}, {.prefixes = {prefix}}).tensors)
        text += tensor.path[0] + " ";
    } catch (const CheckpointError& error) {
      return error.sentence();
    }
    return text;
  };
  const std::string wrapped = Dict({{"module.w", kTensor}, {"b", kTensor}});
  EXPECT_EQ(names(wrapped, "module."), "w b ");
  EXPECT_EQ(names(wrapped, "modul."),
            "the prefix \"modul.\" is in none of the 2 keys at its top level; the first is module.w");
  EXPECT_EQ(names(wrapped, "module"), "would have a tensor named .w; write the dot at the end of the prefix too");
  EXPECT_EQ(names(Dict({{"module.w", kTensor}, {"w", kTensor}}), "module."),
            "would have two keys named \"w\", from \"module.w\" and \"w\": change the prefixes or the rename rules");
}

TEST(StateDictTensorsTest, RefusesWhatIsNotADict) {
  EXPECT_EQ(Refusal(List({kTensor})), "has no state dict at its top level, but <list of 1>");
}

TEST(StateDictTensorsTest, RefusesKeysThatAreNotText) {
  EXPECT_EQ(Refusal("}(" + Int(3) + kTensor + "u"), "has a tensor at its top level whose key is not text: 3");
}

// An ordered dict with one tensor, and `metadata` as its __metadata__.
std::string WithMetadata(const std::string& metadata) {
  const std::string ordered = Call(Name("collections", "OrderedDict"), {});
  return WithState(ordered + Text("w") + kTensor + "s", Dict({{"__metadata__", metadata}}));
}

TEST(StateDictTensorsTest, TakesTheTextsOfTheMetadataAndNamesTheRest) {
  const std::string numbers = Call(Name("builtins", "complex"), {Float(1.5), Float(2.5e-322)});
  const auto checkpoint = Opened(
      WithMetadata(Dict({{"note", Text("x")}, {"step", Int(3)}, {"labels", List({Text("cat")})}, {"c", numbers}})),
      {{"0", {1}}});
  const StateDictTensors taken = TakeStateDict(*checkpoint, {"x.pth", "x.pth", ""});
  ASSERT_EQ(taken.metadata.size(), 1);
  EXPECT_EQ(taken.metadata[0].first + "=" + taken.metadata[0].second, "note=x");
  EXPECT_THAT(taken.left_out, testing::ElementsAre("__metadata__.step", "__metadata__.labels", "__metadata__.c"));
}

TEST(StateDictTensorsTest, NamesMetadataThatIsNoDict) {
  const auto checkpoint = Opened(WithMetadata(Int(3)), {{"0", {1}}});
  EXPECT_THAT(TakeStateDict(*checkpoint, {"x.pth", "x.pth", ""}).left_out, testing::ElementsAre("__metadata__"));
}

TEST(StateDictTensorsTest, LooksIntoAValueOnceThatStandsAtManyPlaces) {
  // A list in a list, 64 levels deep, each twice in the next: 2^64 places.
  std::string value = List({Int(1)});
  for (char i = 0; i < 64; ++i) value += std::string("q") + i + "0](h" + i + "h" + i + "e";
  const auto checkpoint = Opened(Text("k") +
                                     "q\xff"
                                     "0" +
                                     value +
                                     "q\xfe"
                                     "0}(h\xffh\xfe" +
                                     Text("w") + kTensor + "u",
                                 {{"0", {1}}});
  EXPECT_THAT(TakeStateDict(*checkpoint, {"x.pth", "x.pth", ""}).left_out, testing::ElementsAre("k"));
}

}  // namespace
}  // namespace loadpath
