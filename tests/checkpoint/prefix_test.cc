#include "harness/checkpoint/prefix.h"

#include <gmock/gmock.h>

namespace loadpath {
namespace {

// "a=0 b=1": what is left, in order, and which item it has.
std::string Left(const std::vector<std::string>& keys, std::string_view prefix, KeyKind kind = KeyKind::kStateDict) {
  std::string text;
  for (const auto& [key, item] : RemovePrefix(keys, prefix, kind)) {
    text += (text.empty() ? "" : " ") + key + "=" + std::to_string(item);
  }
  return text;
}

// What Python's dict holds after consume_prefix_in_state_dict_if_present, and in that order.
TEST(PrefixTest, RemovesItOneKeyAfterTheOther) {
  EXPECT_EQ(Left({"module.a", "b", "module.c"}, "module."), "b=1 a=0 c=2");
  EXPECT_EQ(Left({"w", "module.w"}, "module."), "w=1");
  EXPECT_EQ(Left({"module.w", "w"}, "module."), "w=0");
  EXPECT_EQ(Left({"module.module.w", "module.w"}, "module."), "w=0");
  EXPECT_EQ(Left({"module.w", "module.module.w"}, "module."), "w=0 module.w=1");
  EXPECT_EQ(Left({"module.", "module", "w"}, "module."), "module=1 w=2 =0");
  EXPECT_EQ(Left({"b", "", "a"}, ""), "b=0 =1 a=2");
}

TEST(PrefixTest, InMetadataTheModuleItselfLosesItToo) {
  EXPECT_EQ(Left({"", "module", "module.a"}, "module.", KeyKind::kMetadata), "=1 a=2");
  EXPECT_EQ(Left({"", "ab", "a", "a.b.c"}, "a.b.", KeyKind::kMetadata), "=1 a=2 c=3");
  EXPECT_EQ(Left({"", "x"}, ".", KeyKind::kMetadata), "=0 x=1");
}

}  // namespace
}  // namespace loadpath
