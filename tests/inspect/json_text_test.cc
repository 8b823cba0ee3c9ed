#include "harness/inspect/json_text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace loadpath {
namespace {

std::string String(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

std::string Float(double value) {
  std::string out;
  AppendJsonFloat(out, value);
  return out;
}

TEST(JsonTextTest, EscapesStrings) {
  EXPECT_EQ(String("a\"b\\c\n"), R"("a\"b\\c\u000a")");
  EXPECT_EQ(String("\xc3\xa9"), "\"\xc3\xa9\"");
  EXPECT_EQ(String("\xed\xa0\x80"), R"("\ud800")");
  EXPECT_EQ(String("\xff"), "\"\xef\xbf\xbd\"");
}

TEST(JsonTextTest, WritesFloatsThatReadBack) {
  EXPECT_EQ(Float(3), "3.0");
  EXPECT_EQ(Float(0.1), "0.1");
  EXPECT_EQ(Float(1e300), "1e+300");
  EXPECT_EQ(Float(std::nan("")), R"({"$float":"nan"})");
  EXPECT_EQ(Float(-INFINITY), R"({"$float":"-inf"})");
}

TEST(JsonTextTest, WritesBase64AsRfc4648Does) {
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("fo"), "Zm8=");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64(std::string_view("\0\xff", 2)), "AP8=");
}

TEST(JsonTextTest, KeepsTheOrderOfAReport) {
  EXPECT_EQ(JsonLine({{"z", 1}, {"a", JsonFloat(INFINITY)}, {"text", "\xff"}}),
            "{\"z\":1,\"a\":{\"$float\":\"inf\"},\"text\":\"\xef\xbf\xbd\"}\n");
}

}  // namespace
}  // namespace loadpath
