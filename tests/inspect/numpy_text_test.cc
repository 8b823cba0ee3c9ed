#include "harness/inspect/numpy_text.h"

#include <gtest/gtest.h>

#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using namespace pickles;

std::string NumpyDtype(std::string_view code, std::string_view order) {
  return WithState(Call(Name("numpy", "dtype"), {Text(code), kFalse, kTrue}),
                   Tuple({Int(3), Text(order), kNone, kNone, kNone, Int(-1), Int(-1), Int(0)}));
}

std::string Array(std::string_view code, std::string_view order, const std::vector<std::int32_t>& shape,
                  const std::string& data, bool column_major = false) {
  std::vector<std::string> sizes;
  for (const std::int32_t size : shape) sizes.push_back(Int(size));
  return WithState(
      Call(Name("numpy.core.multiarray", "_reconstruct"), {Name("numpy", "ndarray"), Tuple({Int(0)}), ByteString("b")}),
      Tuple({Int(1), Tuple(sizes), NumpyDtype(code, order), column_major ? kTrue : kFalse, data}));
}

std::optional<std::string> TextOf(const std::string& value, std::size_t most = 12) {
  const auto checkpoint = Opened(value, {}, {.opaque = true});
  return NumpyText(checkpoint->tree(), checkpoint->tree().root(), most);
}

TEST(NumpyTextTest, ShowsDtypeShapeAndValues) {
  EXPECT_EQ(TextOf(Array("i2", "<", {3}, ByteString(std::string("\1\0\2\0\xff\xff", 6)))), "numpy int16 [3]: 1, 2, -1");
  EXPECT_EQ(TextOf(Array("f8", "<", {1}, ByteString(Bytes<std::uint64_t>(0x3fb999999999999a)))),
            "numpy float64 [1]: 0.1");
  EXPECT_EQ(TextOf(Array("b1", "|", {2}, ByteString(std::string("\0\1", 2)))), "numpy bool [2]: False, True");
  EXPECT_EQ(TextOf(Array("u1", "|", {0, 3}, ByteString(""))), "numpy uint8 [0, 3]");
}

TEST(NumpyTextTest, ReadsTheOtherByteOrderAndColumnMajorArrays) {
  EXPECT_EQ(TextOf(Array("i2", ">", {2}, ByteString(std::string("\0\1\1\0", 4)))), "numpy int16 [2]: 1, 256");
  EXPECT_EQ(TextOf(Array("u1", "|", {2, 3}, ByteString("\1\4\2\5\3\6"), /*column_major=*/true)),
            "numpy uint8 [2, 3]: 1, 2, 3, 4, 5, 6");
}

TEST(NumpyTextTest, CountsWhatItDoesNotShow) {
  EXPECT_EQ(TextOf(Array("u1", "|", {5}, ByteString("\1\2\3\4\5")), 2), "numpy uint8 [5]: 1, 2, … 5 in all");
}

TEST(NumpyTextTest, ShowsScalars) {
  EXPECT_EQ(TextOf(Call(Name("numpy._core.multiarray", "scalar"), {NumpyDtype("i4", "<"), ByteString(Bytes(7))})),
            "numpy int32 []: 7");
}

TEST(NumpyTextTest, LeavesOutElementsThatAreNotNumbers) {
  EXPECT_EQ(TextOf(Array("U2", "<", {1}, ByteString(std::string("a\0\0\0b\0\0\0", 8)))), "numpy <U2 [1]");
  EXPECT_EQ(TextOf(Array("O8", "|", {2}, List({Int(1), kNone}))), "numpy object [2]");
}

TEST(NumpyTextTest, NeverTrustsAShape) {
  EXPECT_EQ(TextOf(Array("f8", "<", {2}, ByteString("12345678"))), std::nullopt);
  EXPECT_EQ(TextOf(Array("u1", "|", {1 << 30, 1 << 30, 1 << 30}, ByteString("a"))), std::nullopt);
  EXPECT_EQ(TextOf(Array("f8", "<", {-1}, ByteString("12345678"))), std::nullopt);
  EXPECT_EQ(TextOf(Int(3)), std::nullopt);
}

TEST(NumpyTextTest, ShowsFloat16InItsOwnDigits) {
  // 0.1, 65504 (the largest), 2^-24 (the smallest), 1, -2.5, infinity
  const std::string data = "\x66\x2e\xff\x7b\x01" + std::string(1, '\0') + std::string("\0\x3c\0\xc1\0\x7c", 6);
  EXPECT_EQ(TextOf(Array("f2", "<", {6}, ByteString(data))), "numpy float16 [6]: 0.1, 65500, 6e-08, 1, -2.5, inf");
}

}  // namespace
}  // namespace loadpath
