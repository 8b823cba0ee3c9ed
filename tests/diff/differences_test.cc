#include "harness/diff/differences.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using namespace pickles;

const std::string kTensors =
    Dict({{"linear.weight", Tensor("0", 4, 0, {2, 2}, {2, 1})}, {"linear.bias", Tensor("0", 4, 0, {2}, {1})}});

FileAndKey Named(const MemoryFile& file, const std::string& key = "") {
  return {file.path() + (key.empty() ? "" : "::" + key), file.path(), key};
}

TEST(DifferencesTest, ComparesKeysShapesDtypes) {
  const std::vector<KeyInfo> wanted = {{"a", "float32", {1}}, {"b", "float32", {1}}, {"gone", "float32", {1}}};
  const std::vector<KeyInfo> have = {{"a", "float64", {1}}, {"b", "float32", {2}}, {"new", "float32", {9}}};
  const Differences found = CompareKeys({wanted, have, "x", "y"});
  EXPECT_EQ(found.compared, 2);
  EXPECT_THAT(found.missing, testing::ElementsAre("gone"));
  EXPECT_THAT(found.unexpected, testing::ElementsAre("new"));
  ASSERT_EQ(found.dtypes.size(), 1);
  EXPECT_EQ(found.dtypes[0].have, "float64");
  ASSERT_EQ(found.shapes.size(), 1);
  EXPECT_EQ(found.shapes[0].have, "[2]");
  EXPECT_FALSE(found.equal());
}

TEST(DifferencesTest, TakesAKeyPathPerFile) {
  const MemoryFile nested(File(Dict({{"state", kTensors}}), {{"0", {1, 2, 3, 4}}}));
  const MemoryFile plain(File(kTensors, {{"0", {1, 2, 3, 4}}}));
  EXPECT_TRUE(CompareFiles(Named(nested, "state"), Named(plain), {}).equal());
  EXPECT_TRUE(CompareFiles(Named(plain), Named(nested, "state"), {}).equal());
}

TEST(DifferencesTest, SaysWhichCommandComparesANestedStateDict) {
  const MemoryFile nested(File(Dict({{"state", kTensors}}), {{"0", {1, 2, 3, 4}}}));
  const MemoryFile plain(File(kTensors, {{"0", {1, 2, 3, 4}}}));
  EXPECT_THAT(CompareFiles(Named(nested), Named(plain), {}).causes,
              testing::ElementsAre("in " + nested.path() + " the state dict lies under \"state\": ckpt diff " +
                                   nested.path() + "::state " + plain.path()));
  EXPECT_THAT(CompareFiles(Named(plain), Named(nested), {.prefix = "a b", .open = {.opaque = true}}).causes,
              testing::ElementsAre("in " + nested.path() + " the state dict lies under \"state\": ckpt diff " +
                                   plain.path() + " " + nested.path() + "::state --prefix 'a b' --opaque"));
}

TEST(DifferencesTest, ComparesElementsAndValues) {
  const MemoryFile a(File(Dict({{"w", Tensor("0", 1, 0, {1}, {1})}, {"epoch", Int(1)}}), {{"0", {1}}}));
  const MemoryFile b(File(Dict({{"w", Tensor("0", 1, 0, {1}, {1})}, {"epoch", Int(2)}}), {{"0", {3}}}));
  const Differences found = CompareFiles(Named(a), Named(b), {});
  ASSERT_EQ(found.tensors.size(), 1);
  EXPECT_EQ(found.tensors[0].largest, 2);
  ASSERT_EQ(found.values.size(), 1);
  EXPECT_EQ(found.values[0].wanted + " " + found.values[0].have, "1 2");
  EXPECT_TRUE(CompareFiles(Named(a), Named(b), {.tolerance = Tolerance{.rtol = 0, .atol = 2}}).tensors.empty());
}

TEST(DifferencesTest, ShowsTheValueInsideAnObjectThatDiffers) {
  const auto with = [](int rate) {
    return File(Dict({{"h", WithState(Call(Name("a", "B"), {}), Dict({{"rate", Int(rate)}}))}}));
  };
  const MemoryFile a(with(1)), b(with(2));
  const Differences found = CompareFiles(Named(a), Named(b), {.open = {.opaque = true}});
  ASSERT_EQ(found.values.size(), 1);
  EXPECT_EQ(found.values[0].key, "h.state.rate");
}

TEST(DifferencesTest, Reports) {
  Differences differences;
  differences.wanted_name = "a";
  differences.have_name = "b";
  differences.tolerance = Tolerance{.rtol = 0.5, .atol = 0};
  differences.compared = 1;
  differences.missing = {"gone"};
  differences.tensors = {{"w", 2, 1, 1, 3, {1}, INFINITY, {1}}};
  EXPECT_EQ(DiffJson(differences),
            R"({"wanted":"a","have":"b","equal":false,"rtol":0.5,"atol":0.0,"compared":1,"missing":["gone"],)"
            R"("unexpected":[],"shapes":[],"dtypes":[],"tensors":[{"key":"w","elements":2,"differing":1,"first":1,)"
            R"("largest":3.0,"largest_at":[1],"relative":{"$float":"inf"},"relative_at":[1]}],"values":[],"causes":[]})"
            "\n");
  EXPECT_EQ(DiffText(differences),
            "missing in b\n"
            "  gone\n"
            "tensors that differ by more than 0 + 0.5 of the value\n"
            "  w  1 of 2 elements  largest difference 3 at [1]  largest relative inf at [1]\n"
            "different: 1 key compared\n");
}

}  // namespace
}  // namespace loadpath
