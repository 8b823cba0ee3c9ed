// Text for one line of a terminal, and UTF-8.
#include "harness/base/text.h"

#include <gtest/gtest.h>

namespace loadpath {
namespace {

using namespace std::string_literals;

// Byte by byte, with no step of eight.
bool IsUtf8Slowly(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint point = DecodeUtf8(text, i);
    if (!point.valid) return false;
    i += point.length;
  }
  return true;
}

TEST(OneLine, JoinsLinesByOneBlank) {
  EXPECT_EQ(OneLine("Error(s) for Net:\n\tMissing:  a.\r\n\n  b \n"), "Error(s) for Net: Missing:  a. b");
  EXPECT_EQ(OneLine("one line"), "one line");
  EXPECT_EQ(OneLine(" \n\n"), "");
}

TEST(Utf8, IsWhatPythonDecodesWithSurrogatepass) {
  for (const std::string& text : {""s, "a"s, "Schl\xc3\xbcssel"s, "\xe2\x9c\x93"s, "\xf0\x9f\x94\xa5"s, "\xed\xa0\x80"s,
                                  "\xf4\x8f\xbf\xbf"s, "\0"s}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  for (const std::string& text : {"\x80"s, "\xc0\x80"s, "\xc1\xbf"s, "\xe0\x9f\xbf"s, "\xf0\x8f\xbf\xbf"s,
                                  "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xe2\x9c"s, "\xc3"s, "\xff"s}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

// At every place of a longer text, because eight bytes are looked at together.
TEST(Utf8, AByteThatIsWrongIsFoundAnywhere) {
  const std::string right =
      "0123456789\xc3\xa4"
      "abcdefghijklmnopqrstuvwxyz";
  EXPECT_TRUE(IsUtf8(right));
  for (std::size_t i = 0; i <= right.size(); ++i) {
    for (const char wrong : {'\x80', '\xc3', '\xff', 'x'}) {
      std::string text = right;
      text.insert(i, 1, wrong);
      EXPECT_EQ(IsUtf8(text), IsUtf8Slowly(text)) << i;
    }
  }
}

TEST(Escaped, LeavesNothingThatChangesALine) {
  EXPECT_EQ(Escaped("a\nb\t\x1b[31m\xff\xe2\x80\xae"), "a\\nb\\t\\x1b[31m\\xff\\u202e");
  EXPECT_EQ(Escaped("Schl\xc3\xbcssel"), "Schl\xc3\xbcssel");
}

TEST(HumanBytes, AreDecimal) {
  EXPECT_EQ(HumanBytes(1), "1 byte");
  EXPECT_EQ(HumanBytes(999), "999 bytes");
  EXPECT_EQ(HumanBytes(1000), "1.0 kB");
  EXPECT_EQ(HumanBytes(999'949), "999.9 kB");
  EXPECT_EQ(HumanBytes(999'950), "1.0 MB");
  EXPECT_EQ(HumanBytes(497'759'232), "497.8 MB");
}

TEST(Table, AlignsItsColumns) {
  Table table({Align::kLeft, Align::kRight});
  table.Add({"a", "1"});
  table.Add({"\xc3\xa4rger", "100"});
  std::string text;
  table.AppendTo(text, "  ");
  EXPECT_EQ(text, "  a        1\n  \xc3\xa4rger  100\n");
}

TEST(Table, PadsNoRowToTheWidthOfAVeryLongCell) {
  Table table({Align::kLeft, Align::kRight, Align::kLeft});
  for (int i = 0; i < 1000; ++i) table.Add({"a", "b", "c"});
  const std::string longest(1'000'000, 'x');
  table.Add({longest, longest, "c"});
  std::string text;
  table.AppendTo(text);
  EXPECT_LT(text.size(), 3'000'000);
  EXPECT_TRUE(text.ends_with(longest + "  " + longest + "  c\n"));
}

TEST(Wrapped, BreaksAtBlanksAlone) {
  EXPECT_EQ(Wrapped("", 4), "");
  EXPECT_EQ(Wrapped("a bc d", 4), "a bc\nd");
  EXPECT_EQ(Wrapped("a bc d", 6), "a bc d");
  EXPECT_EQ(Wrapped("a longer word", 4, "  "), "a\n  longer\n  word");
  EXPECT_EQ(Wrapped("\u00e4\u00e4 \u00e4", 4), "\u00e4\u00e4 \u00e4") << "it counts characters, not bytes";
  EXPECT_EQ(Wrapped("a b c d", 5, "  "), "a b c\n  d");
}

}  // namespace
}  // namespace loadpath
