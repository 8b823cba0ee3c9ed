#include "harness/diff/differences.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
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
  EXPECT_THAT(
      CompareFiles(Named(plain), Named(nested), {.rules = {.prefixes = {"a b"}}, .open = {.opaque = true}}).causes,
      testing::ElementsAre("in " + nested.path() + " the state dict lies under \"state\": ckpt diff " + plain.path() +
                           " " + nested.path() + "::state --prefix 'a b' --opaque"));
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

// Two files with one value each, under "v".
Differences Between(const std::string& a, const std::string& b) {
  const MemoryFile wanted(File(Dict({{"v", a}}))), have(File(Dict({{"v", b}})));
  return CompareFiles(Named(wanted), Named(have), {.open = {.opaque = true}});
}

TEST(DifferencesTest, NamesBothStateDictsThatFit) {
  const MemoryFile nested(File(Dict({{"ema", kTensors}, {"model", kTensors}}), {{"0", {1, 2, 3, 4}}}));
  const MemoryFile plain(File(kTensors, {{"0", {1, 2, 3, 4}}}));
  EXPECT_THAT(CompareFiles(Named(plain), Named(nested), {}).causes,
              testing::ElementsAre("in " + nested.path() +
                                   " the state dict lies under \"ema\" or under \"model\": name one as " +
                                   nested.path() + "::KEY"));
}

TEST(DifferencesTest, AddsThePrefixOfANestedStateDictToTheRules) {
  const std::string bias = Tensor("0", 4, 0, {2}, {1});
  const MemoryFile nested(File(Dict({{"state", Dict({{"module.b", bias}})}}), {{"0", {1, 2, 3, 4}}}));
  const MemoryFile net(File(Dict({{"net.b", bias}}), {{"0", {1, 2, 3, 4}}}));
  EXPECT_THAT(CompareFiles(Named(net), Named(nested), {.rules = {.prefixes = {"net."}}}).causes,
              testing::ElementsAre("in " + nested.path() +
                                   " the state dict lies under \"state\", and its keys begin with "
                                   "\"module.\": ckpt diff " +
                                   net.path() + " " + nested.path() + "::state --prefix net. --prefix module."));
}

// As DistributedDataParallel saves: "module." before the keys, and the module's own entry in _metadata under "module".
std::string Wrapped(const std::string& prefix, const std::vector<std::pair<std::string, std::string>>& metadata) {
  return WithState(Call(Name("collections", "OrderedDict"), {}) + Text(prefix + "b") + Tensor("0", 1, 0, {1}, {1}) +
                       "s" + Text(prefix + "epoch") + Int(1) + "s",
                   Dict({{"_metadata", Dict(metadata)}}));
}

TEST(DifferencesTest, APrefixIsRemovedFromValuesAndMetadataToo) {
  const std::string one = Dict({{"version", Int(1)}}), two = Dict({{"version", Int(2)}});
  const std::vector<FloatStorage> storages = {{"0", {1}}};
  const MemoryFile plain(File(Wrapped("", {{"", one}, {"b", two}}), storages));
  const MemoryFile wrapped(File(Wrapped("module.", {{"", two}, {"module", one}, {"module.b", two}}), storages));
  const MemoryFile other(File(Wrapped("module.", {{"", one}, {"module", one}, {"module.b", one}}), storages));
  const DiffOptions options = {.rules = {.prefixes = {"module."}}};
  EXPECT_TRUE(CompareFiles(Named(plain), Named(wrapped), options).equal());
  EXPECT_TRUE(CompareFiles(Named(wrapped), Named(plain), options).equal());
  const Differences found = CompareFiles(Named(plain), Named(other), options);
  ASSERT_EQ(found.values.size(), 1);
  EXPECT_EQ(found.values[0].key + ": " + found.values[0].wanted + " -> " + found.values[0].have,
            "_metadata.b.version: 2 -> 1");
}

// The first without the prefix is the second.
TEST(DifferencesTest, RemovesAPrefixFromTheKeysOfTheDictAlone) {
  const std::string one = Tensor("0", 2, 0, {1}, {1}), two = Tensor("0", 2, 1, {1}, {1});
  const auto equal = [&](const std::string& a, const std::string& b) {
    // Each file has a tensor beside, and with it the storage.
    const auto file = [&](const std::string& dict) {
      return File(dict.substr(0, dict.size() - 1) + Text("beside") + one + "u", {{"0", {1, 2}}});
    };
    const MemoryFile wanted(file(a)), have(file(b));
    return CompareFiles(Named(wanted), Named(have), {.rules = {.prefixes = {"module."}}}).equal();
  };
  // A key that would take the place of another one is refused: what was lost would be called equal.
  for (const auto& [a, b] : {std::pair(one, two), std::pair(one, Int(3)), std::pair(Int(3), one)}) {
    EXPECT_THROW(equal(Dict({{"w", a}, {"module.w", b}}), Dict({{"w", b}})), CheckpointError);
  }
  EXPECT_THROW(equal(Dict({{"module.module.w", one}, {"module.w", two}}), Dict({{"w", one}})), CheckpointError);
  // A key that is not text is in no state dict.
  EXPECT_THROW(equal("}(" + Int(1) + one + "u", Dict({})), CheckpointError);
  // Of two keys that are equal once they are joined, each goes with its own.
  const std::string nested = Dict({{"module.a", Dict({{"b", one}})}, {"module.a.b", two}});
  EXPECT_TRUE(equal(nested, Dict({{"a", Dict({{"b", one}})}, {"a.b", two}})));
  EXPECT_FALSE(equal(nested, Dict({{"a.b", one}, {"a", Dict({{"b", two}})}})));
  // What lies inside a dict of that name stays there.
  EXPECT_FALSE(equal(Dict({{"w", one}, {"module", Dict({{"w", two}})}}), Dict({{"w", two}})));
  EXPECT_FALSE(equal(Dict({{"module", Dict({{"w", one}, {"e", Int(1)}})}}), Dict({{"w", one}, {"e", Int(1)}})));
  EXPECT_TRUE(equal(Dict({{"a", Dict({{"module.w", one}})}}), Dict({{"a", Dict({{"module.w", one}})}})));
  EXPECT_FALSE(equal(Dict({{"a", Dict({{"module.e", Int(1)}})}}), Dict({{"a", Dict({{"e", Int(1)}})}})));
  EXPECT_FALSE(equal(Dict({{"module.e", Int(1)}, {"module", Dict({{"e", Int(1)}})}}),
                     Dict({{"e", Int(1)}, {"module", Dict({{"e", Int(2)}})}})));
}

TEST(DifferencesTest, FindsValuesThatOnlyOneSideHas) {
  const MemoryFile with(File(Dict({{"epoch", Int(2)}}))), without(File(Dict({})));
  Differences found = CompareFiles(Named(with), Named(without), {});
  ASSERT_EQ(found.values.size(), 1);
  EXPECT_EQ(found.values[0].wanted + found.values[0].have, "2");
  EXPECT_EQ(found.values[0].wanted, "2");
  found = CompareFiles(Named(without), Named(with), {});
  ASSERT_EQ(found.values.size(), 1);
  EXPECT_EQ(found.values[0].wanted, "");
  EXPECT_EQ(found.values[0].have, "2");
}

TEST(DifferencesTest, NanIsNanWhateverItsBits) {
  EXPECT_TRUE(
      Between(Float(std::bit_cast<double>(0x7ff8000000000001)), Float(std::bit_cast<double>(0xfff8000000000002)))
          .equal());
  EXPECT_FALSE(Between(Float(NAN), Float(1)).equal());
  EXPECT_FALSE(Between(Float(0.0), Float(-0.0)).equal());
}

TEST(DifferencesTest, TwoKeysOfOneTextAreComparedInTheirOrder) {
  const std::string one = Tensor("0", 2, 0, {1}, {1}), two = Tensor("0", 2, 1, {1}, {1});
  const MemoryFile twice(File("}(" + Int(1) + one + Text("1") + two + "u", {{"0", {1, 2}}}));
  const Differences found = CompareFiles(Named(twice), Named(twice), {});
  EXPECT_TRUE(found.equal());
  EXPECT_EQ(found.compared, 2);
}

TEST(DifferencesTest, TellsWhatDiffersThoughItIsEqualAsANumber) {
  const MemoryFile a(File(Dict({{"x", Tensor("0", 1, 0, {1}, {1})}}), {{"0", {0.0f}}}));
  const MemoryFile b(File(Dict({{"x", Tensor("0", 1, 0, {1}, {1})}}), {{"0", {-0.0f}}}));
  EXPECT_THAT(DiffText(CompareFiles(Named(a), Named(b), {})),
              testing::HasSubstr("  x  1 of 1 element  no number differs: other bits (-0, NaN)\n"));
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
            "different: 1 missing, 1 with other elements; 1 key compared\n");
}

std::string NumpyArray(std::string_view code, std::int32_t count, const std::string& data) {
  const std::string dtype = WithState(Call(Name("numpy", "dtype"), {Text(code), kFalse, kTrue}),
                                      Tuple({Int(3), Text("<"), kNone, kNone, kNone, Int(-1), Int(-1), Int(0)}));
  return WithState(
      Call(Name("numpy.core.multiarray", "_reconstruct"), {Name("numpy", "ndarray"), Tuple({Int(0)}), ByteString("b")}),
      Tuple({Int(1), Tuple({Int(count)}), dtype, kFalse, ByteString(data)}));
}

std::string Subclass(const std::string& items, const std::string& state) {
  return WithState(Name("a", "Config") + ")\x81" + items, state);
}

std::string Nested(int depth, std::string value) {
  for (int i = 0; i < depth; ++i) value = Dict({{"d", value}});
  return value;
}

TEST(DifferencesTest, ComparesValuesThatAreTooLongToShow) {
  const std::string text(300, 'x');
  EXPECT_FALSE(Between(Text(text + "a"), Text(text + "b")).equal());
  EXPECT_FALSE(
      Between(NumpyArray("u1", 2000, std::string(2000, '\1')), NumpyArray("u1", 2000, std::string(1999, '\1') + "\2"))
          .equal());
  EXPECT_FALSE(
      Between(NumpyArray("U1", 1, std::string("a\0\0\0", 4)), NumpyArray("U1", 1, std::string("b\0\0\0", 4))).equal());
  EXPECT_FALSE(Between(Nested(40, Int(1)), Nested(40, Int(2))).equal());
  EXPECT_TRUE(Between(Nested(40, Text(text)), Nested(40, Text(text))).equal());
}

TEST(DifferencesTest, ComparesTheStateOfADictSubclass) {
  const std::string items = "(" + Text("x") + Int(1) + "u";
  const Differences found =
      Between(Subclass(items, Dict({{"note", Int(1)}})), Subclass(items, Dict({{"note", Int(2)}})));
  ASSERT_EQ(found.values.size(), 1);
  EXPECT_EQ(found.values[0].key, "v.state.note");
}

TEST(DifferencesTest, ComparesTheAttributesThatBothHave) {
  const auto with = [](const std::string& attributes) {
    return WithState(Call(Name("collections", "OrderedDict"), {}) + Text("x") + Int(1) + "s", attributes);
  };
  const Differences found = Between(with(Dict({{"_metadata", Int(1)}})), with(Dict({{"_metadata", Int(2)}})));
  ASSERT_EQ(found.values.size(), 1);
  EXPECT_EQ(found.values[0].key, "v._metadata");
  // safetensors cannot hold _metadata.
  EXPECT_TRUE(Between(with(Dict({{"_metadata", Int(1)}})), Dict({{"x", Int(1)}})).equal());
}

TEST(DifferencesTest, IgnoresTheOrderOfADict) {
  EXPECT_TRUE(Between(Dict({{"a", Int(1)}, {"b", Int(2)}}), Dict({{"b", Int(2)}, {"a", Int(1)}})).equal());
}

TEST(DifferencesTest, NamesTheFirstDifferenceBeyondTheLimitOfLines) {
  const auto many = [](int last) {
    std::string items = "](";
    for (int i = 0; i < 100'001; ++i) items += Dict({{"a", Int(i == 100'000 ? last : 1)}});
    return items + "e";
  };
  const Differences found = Between(many(1), many(2));
  ASSERT_EQ(found.values.size(), 1);
  EXPECT_EQ(found.values[0].key, "v.100000.a");
}

TEST(DifferencesTest, TellsKeysApartThatAreEqualIfJoinedByDots) {
  const std::string one = Tensor("0", 2, 0, {1}, {1}), two = Tensor("0", 2, 1, {1}, {1});
  const MemoryFile both(File(Dict({{"a", Dict({{"b.c", one}})}, {"a.b", Dict({{"c", two}})}}), {{"0", {0, 1}}}));
  const MemoryFile turned(File(Dict({{"a.b", Dict({{"c", two}})}, {"a", Dict({{"b.c", one}})}}), {{"0", {0, 1}}}));
  const MemoryFile lacks(File(Dict({{"a", Dict({{"b.c", one}})}}), {{"0", {0, 1}}}));
  const Differences same = CompareFiles(Named(both), Named(both), {});
  EXPECT_TRUE(same.equal());
  EXPECT_EQ(same.compared, 2);
  EXPECT_TRUE(CompareFiles(Named(both), Named(turned), {}).equal());
  EXPECT_THAT(CompareFiles(Named(both), Named(lacks), {}).missing, testing::ElementsAre("a.b.c"));
  EXPECT_THAT(CompareFiles(Named(lacks), Named(both), {}).unexpected, testing::ElementsAre("a.b.c"));
}

TEST(DifferencesTest, CountsNanAgainstANumber) {
  const MemoryFile a(File(Dict({{"x", Tensor("0", 2, 0, {2}, {1})}}), {{"0", {1, 2}}}));
  const MemoryFile b(File(Dict({{"x", Tensor("0", 2, 0, {2}, {1})}}), {{"0", {1, NAN}}}));
  const Differences found = CompareFiles(Named(a), Named(b), {});
  EXPECT_THAT(DiffText(found), testing::HasSubstr("  x  1 of 2 elements  1 NaN\n"));
  EXPECT_THAT(DiffJson(found), testing::HasSubstr("\"nan\":1"));
}

}  // namespace
}  // namespace loadpath
