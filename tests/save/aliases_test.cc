#include "harness/save/aliases.h"

#include <gtest/gtest.h>

#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using namespace pickles;

std::vector<Alias> Found(AliasRule rule) {
  const auto checkpoint = Opened(Dict({{"wte", Tensor("0", 6, 0, {6}, {1})},
                                       {"part", Tensor("0", 6, 2, {2}, {1})},
                                       {"head", Tensor("0", 6, 0, {6}, {1})},
                                       {"alone", Tensor("1", 1, 0, {1}, {1})}}),
                                 {{"0", {1, 2, 3, 4, 5, 6}}, {"1", {1}}});
  return FindAliases(checkpoint->tree(), ListTensors(checkpoint->tree(), checkpoint->tree().root()), rule);
}

TEST(AliasesTest, KeepsTheFirstByName) {
  const std::vector<Alias> aliases = Found(AliasRule::kOnce);
  ASSERT_EQ(aliases.size(), 2);
  EXPECT_EQ(aliases[0].name + " " + aliases[0].of, "wte head");
  EXPECT_TRUE(aliases[0].equal);
  EXPECT_FALSE(aliases[0].written);
}

TEST(AliasesTest, AlwaysWritesAViewOfOtherBytes) {
  const Alias part = Found(AliasRule::kOnce)[1];
  EXPECT_EQ(part.name, "part");
  EXPECT_FALSE(part.equal);
  EXPECT_TRUE(part.written);
}

TEST(AliasesTest, WritesAllApart) {
  for (const Alias& alias : Found(AliasRule::kApart)) EXPECT_TRUE(alias.written);
}

}  // namespace
}  // namespace loadpath
