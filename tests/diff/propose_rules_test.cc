#include "harness/diff/propose_rules.h"

#include <gmock/gmock.h>

#include <functional>

#include "harness/checkpoint/limits.h"

namespace loadpath {
namespace {

using testing::ElementsAre;

using Keys = std::vector<KeyInfo>;

Keys Renamed(Keys keys, const std::function<std::string(const std::string&)>& rename) {
  for (KeyInfo& info : keys) info.key = rename(info.key);
  return keys;
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// Two encoder layers of one shape, a norm and a head.
Keys Model() {
  Keys keys;
  for (const char* layer : {"encoder.0", "encoder.1"}) {
    keys.push_back({std::string(layer) + ".proj.weight", "float32", {8, 8}});
    keys.push_back({std::string(layer) + ".proj.bias", "float32", {8}});
    keys.push_back({std::string(layer) + ".norm.weight", "float32", {8}});
  }
  keys.push_back({"head.weight", "float32", {2, 8}});
  keys.push_back({"head.bias", "float32", {2}});
  return keys;
}

// The rules as a command line has them, and "matched/wanted".
std::string Proposed(const Keys& wanted, const Keys& have) {
  const std::optional<RuleProposal> proposal = ProposeRules(wanted, have);
  if (!proposal) return "none";
  return RuleArguments(proposal->rules) + " " + std::to_string(proposal->matched) + "/" +
         std::to_string(proposal->wanted) + (proposal->by_order() ? " by order" : "");
}

TEST(ProposeRulesTest, NothingIfAllMatchOrNothingHelps) {
  EXPECT_EQ(Proposed(Model(), Model()), "none");
  EXPECT_EQ(Proposed(Model(), {{"a.b", "float32", {3}}, {"c", "float32", {4}}}), "none");
  EXPECT_EQ(Proposed(Model(), {}), "none");
  EXPECT_EQ(Proposed({}, Model()), "none");
}

TEST(ProposeRulesTest, PrefixesOfWrappersInAnyNesting) {
  EXPECT_EQ(Proposed(Model(), Renamed(Model(), [](const auto& key) { return "module._orig_mod." + key; })),
            " --prefix module. --prefix _orig_mod. 8/8");
  EXPECT_EQ(
      Proposed(Model(), Renamed(Model(), [](const auto& key) { return Replaced(key, ".proj", ".proj._orig_mod"); })),
      " --prefix _orig_mod. 8/8");
}

TEST(ProposeRulesTest, AModelsOwnModuleIsNoWrapper) {
  const Keys wanted = Renamed(Model(), [](const auto& key) { return "module." + key; });
  EXPECT_EQ(Proposed(wanted, Renamed(wanted, [](const auto& key) { return "_orig_mod." + key; })),
            " --prefix _orig_mod. 8/8");
}

TEST(ProposeRulesTest, ThePrefixOfALightningModule) {
  EXPECT_EQ(Proposed(Model(), Renamed(Model(), [](const auto& key) { return "net." + key; })), " --prefix net. 8/8");
  // The model may have one that the file lacks.
  EXPECT_EQ(Proposed(Renamed(Model(), [](const auto& key) { return "net." + key; }), Model()),
            " --rename '^=net.' 8/8");
}

TEST(ProposeRulesTest, ARenamedBlock) {
  EXPECT_EQ(Proposed(Model(), Renamed(Model(), [](const auto& key) { return Replaced(key, "encoder.", "blocks."); })),
            " --rename '^blocks\\.=encoder.' 8/8");
  EXPECT_EQ(Proposed(Model(),
                     Renamed(Model(), [](const auto& key) { return "module." + Replaced(key, "encoder.", "a.b."); })),
            " --prefix module. --rename '^a\\.b\\.=encoder.' 8/8");
}

TEST(ProposeRulesTest, APartOfANameInEveryLayer) {
  EXPECT_EQ(Proposed(Model(), Renamed(Model(), [](const auto& key) { return Replaced(key, ".proj.", ".fc.inner."); })),
            " --rename '\\.fc\\.inner\\.=.proj.' 8/8");
}

// All three have one shape: their order decides, and the proposal says so.
TEST(ProposeRulesTest, NamesOfOneShapeGoByTheirOrder) {
  const auto layers = [](const std::vector<std::string>& names) {
    Keys keys;
    for (const char* layer : {"0", "1"}) {
      for (const std::string& name : names)
        keys.push_back({"l." + std::string(layer) + "." + name + ".weight", "float32", {8, 8}});
    }
    return keys;
  };
  EXPECT_EQ(Proposed(layers({"query", "key", "value"}), layers({"q", "k", "v"})),
            " --rename '\\.k\\.=.key.' --rename '\\.q\\.=.query.' --rename '\\.v\\.=.value.' 6/6 by order");
}

// torchvision's weights of 2017: "norm.1" for what is "norm1" today.
TEST(ProposeRulesTest, TheOldNamesOfDenseNet) {
  Keys wanted;
  for (int block = 1; block <= 2; ++block) {
    for (int layer = 1; layer <= 3; ++layer) {
      const std::string before =
          "features.denseblock" + std::to_string(block) + ".denselayer" + std::to_string(layer) + ".";
      wanted.push_back({before + "norm1.weight", "float32", {8 * layer}});
      wanted.push_back({before + "conv1.weight", "float32", {16, 8 * layer, 1, 1}});
      wanted.push_back({before + "norm2.weight", "float32", {16}});
      wanted.push_back({before + "conv2.weight", "float32", {8, 16, 3, 3}});
    }
  }
  wanted.push_back({"classifier.weight", "float32", {10, 8}});
  const Keys have = Renamed(wanted, [](std::string key) {
    for (const char* part : {"norm", "conv"}) {
      for (const char* number : {"1", "2"})
        key = Replaced(key, std::string(".") + part + number, std::string(".") + part + "." + number);
    }
    return key;
  });
  const std::optional<RuleProposal> proposal = ProposeRules(wanted, have);
  ASSERT_TRUE(proposal);
  EXPECT_EQ(proposal->matched, wanted.size());
  EXPECT_EQ(proposal->rules.rename.size(), 4);
}

// A ReLU and a dropout were put between the layers.
TEST(ProposeRulesTest, AnotherNumberingOfASequential) {
  const auto layers = [](std::vector<int> numbers) {
    Keys keys;
    for (const int number : numbers) {
      keys.push_back({"net." + std::to_string(number) + ".weight", "float32", {8, 8}});
      keys.push_back({"net." + std::to_string(number) + ".bias", "float32", {8}});
    }
    return keys;
  };
  EXPECT_EQ(Proposed(layers({0, 2, 4}), layers({0, 1, 2})),
            " --rename '^net\\.2\\.=net.4.' --rename '^net\\.1\\.=net.2.' 6/6 by order");
  EXPECT_EQ(Proposed(layers({0, 1, 2}), layers({1, 2, 3})),
            " --rename '^net\\.1\\.=net.0.' --rename '^net\\.2\\.=net.1.' --rename '^net\\.3\\.=net.2.' 6/6 by order");
  // Which of the three is left out is a guess.
  EXPECT_EQ(Proposed(layers({3, 4}), layers({0, 1, 2})),
            " --rename '^net\\.1\\.=net.4.' --rename '^net\\.0\\.=net.3.' 4/4 by order");
  EXPECT_EQ(Proposed(layers({0, 1, 2}), layers({4})), " --rename '^net\\.4\\.=net.0.' 2/6 by order");
  // The last two match as they are.
  EXPECT_EQ(Proposed(layers({1, 2, 3, 4}), layers({0, 3, 4})), "none");
}

TEST(ProposeRulesTest, LayersOfASequentialThatOnlyTheirShapesAllow) {
  const Keys wanted = {{"net.0.weight", "float32", {8, 3}}, {"net.3.weight", "float32", {9, 8}}};
  const Keys have = {{"net.0.weight", "float32", {8, 3}}, {"net.2.weight", "float32", {9, 8}}};
  EXPECT_EQ(Proposed(wanted, have), " --rename '^net\\.2\\.=net.3.' 2/2");
}

// However many modules of one shape there are, the proposal says that it is a guess.
TEST(ProposeRulesTest, ManyModulesOfOneShape) {
  for (const int count : {2, 16, 17, 48, 49, 150}) {
    Keys wanted = {{"other.weight", "float32", {3}}}, have;
    for (int i = 0; i < count; ++i) {
      wanted.push_back({"y" + std::string(static_cast<std::size_t>(i), 'a') + ".weight", "float32", {8, 8}});
      have.push_back({"x" + std::string(static_cast<std::size_t>(i), 'b') + ".weight", "float32", {8, 8}});
    }
    const std::optional<RuleProposal> proposal = ProposeRules(wanted, have);
    ASSERT_TRUE(proposal) << count;
    EXPECT_TRUE(proposal->by_order()) << count;
  }
}

// The prefix of one layer has no rival that 150 modules hide.
TEST(ProposeRulesTest, ManyModulesBehindOnePrefix) {
  Keys wanted;
  for (int i = 0; i < 150; ++i)
    wanted.push_back({"y" + std::string(static_cast<std::size_t>(i), 'a') + ".weight", "float32", {8, 8}});
  EXPECT_EQ(Proposed(wanted, Renamed(wanted, [](const auto& key) { return "net." + key; })), " --prefix net. 150/150");
}

TEST(ProposeRulesTest, APairThatOnlyItsShapeSuggests) {
  EXPECT_EQ(Proposed({{"generator.inp.weight", "float32", {8, 8}}, {"z.weight", "float32", {3}}},
                     {{"discriminator.out.weight", "float32", {8, 8}}}),
            " --rename '^discriminator\\.out\\.=generator.inp.' 1/2 by order");
  EXPECT_EQ(Proposed({{"b.attn.weight", "float32", {8, 8}}}, {{"a.attn.weight", "float32", {8, 8}}}),
            " --rename '^a\\.=b.' 1/1");
  // Two that have the same name there.
  EXPECT_EQ(Proposed({{"b.attn.weight", "float32", {8, 8}}, {"c.attn.weight", "float32", {8, 8}}},
                     {{"a.attn.weight", "float32", {8, 8}}}),
            " --rename '^a\\.=b.' 1/2 by order");
}

// That "a" may be "c" as well is behind more pairs than are compared.
TEST(ProposeRulesTest, ARivalThatWasNotLookedAt) {
  Keys wanted = {{"b.attn.weight", "float32", {8, 8}}}, have = {{"a.attn.weight", "float32", {8, 8}}};
  EXPECT_EQ(Proposed(wanted, have), " --rename '^a\\.=b.' 1/1");
  for (int i = 0; i < 150; ++i) {
    wanted.push_back({"q." + std::to_string(1000 + i) + ".weight", "float32", {9, 9}});
    have.push_back({"p." + std::to_string(i) + ".weight", "float32", {9, 9}});
  }
  wanted.push_back({"c.attn.weight", "float32", {8, 8}});
  EXPECT_EQ(Proposed(wanted, have), " --rename '^a\\.=b.' 1/152 by order");
}

TEST(ProposeRulesTest, LayersOfOtherNamesInTheSameOrder) {
  const Keys wanted = {
      {"stem.weight", "float32", {8, 3}}, {"mid.weight", "float32", {8, 8}}, {"top.weight", "float32", {8, 8}}};
  const Keys have = {
      {"first.weight", "float32", {8, 3}}, {"b.c.weight", "float32", {8, 8}}, {"last.weight", "float32", {8, 8}}};
  EXPECT_THAT(Proposed(wanted, have),
              testing::EndsWith("--rename '^last\\.=top.' --rename '^first\\.=stem.' 3/3 by order"));
}

TEST(ProposeRulesTest, SaysWhatStaysUnmatchedAndWhatEachRuleDoes) {
  Keys have = Renamed(Model(), [](const auto& key) { return "net." + Replaced(key, "head.", "classifier.out."); });
  have[6].shape = {5, 8};
  have.push_back({"net.extra", "float32", {1}});
  const std::optional<RuleProposal> proposal = ProposeRules(Model(), have);
  ASSERT_TRUE(proposal);
  EXPECT_EQ(proposal->matched_before, 0);
  EXPECT_THAT(proposal->missing, ElementsAre());
  EXPECT_THAT(proposal->unexpected, ElementsAre("extra"));
  ASSERT_EQ(proposal->shapes.size(), 1);
  EXPECT_EQ(proposal->shapes[0].key + proposal->shapes[0].wanted + proposal->shapes[0].have, "head.weight[2, 8][5, 8]");
  ASSERT_EQ(proposal->effects.size(), 2);
  EXPECT_EQ(proposal->effects[0].rule, "--prefix net.");
  EXPECT_EQ(proposal->effects[0].keys, 9);
  EXPECT_EQ(proposal->effects[0].from + " -> " + proposal->effects[0].to,
            "net.encoder.0.proj.weight -> encoder.0.proj.weight");
  EXPECT_EQ(proposal->effects[1].keys, 2);
}

// A file of two megabytes: 100 modules behind long names of their own, among 1,900 keys of 1,000 bytes. Trying every
// rule takes minutes; a part of it is proposed.
TEST(ProposeRulesTest, GoesThroughSoManyBytesOfNames) {
  Keys wanted, have;
  for (int i = 0; i < 100; ++i) {
    wanted.push_back({"m" + std::to_string(i) + "x.weight", "float32", {i + 1}});
    have.push_back(
        {std::string(900, static_cast<char>('a' + i % 26)) + std::to_string(i) + "x.weight", "float32", {i + 1}});
  }
  // 2 MB of names for each rule that is tried.
  const auto others = static_cast<int>(2000 * limits::kWork / 64 - 100);
  for (int i = 0; i < others; ++i) have.push_back({std::string(1000, 'z') + std::to_string(i), "float32", {7777}});
  const std::optional<RuleProposal> proposal = ProposeRules(wanted, have);
  ASSERT_TRUE(proposal);
  EXPECT_LT(proposal->matched, 32);
  EXPECT_TRUE(proposal->by_order());
}

// Names of a hostile file may be signs of expressions, and very many.
TEST(ProposeRulesTest, TakesNamesAsTheyAre) {
  const Keys wanted = {{"a.w", "float32", {2}}, {"b.w", "float32", {3}}};
  EXPECT_EQ(Proposed(wanted, {{"(x+$[.a.w", "float32", {2}}, {"(x+$[.b.w", "float32", {3}}}), " --prefix '(x+$[.' 2/2");
  EXPECT_EQ(Proposed({{"$1.w", "float32", {2}}}, {{"a.w", "float32", {2}}}), " --rename '^a\\.=$$1.' 1/1 by order");
}

}  // namespace
}  // namespace loadpath
