#include "harness/inspect/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace loadpath {
namespace {

long double Of(Dtype dtype, std::uint64_t bits) {
  std::byte bytes[8];
  std::memcpy(bytes, &bits, sizeof bits);
  return ElementAt(bytes, dtype).real;
}

TEST(NumbersTest, DecodesSmallFloats) {
  EXPECT_EQ(Of(Dtype::kFloat16, 0x3c00), 1);
  EXPECT_EQ(Of(Dtype::kFloat16, 0x0001), std::ldexp(1.0L, -24));
  EXPECT_TRUE(std::isinf(Of(Dtype::kFloat16, 0xfc00)));
  EXPECT_EQ(Of(Dtype::kBfloat16, 0xbf80), -1);
  EXPECT_EQ(Of(Dtype::kFloat8E4m3fn, 0x7e), 448);
  EXPECT_TRUE(std::isnan(Of(Dtype::kFloat8E4m3fn, 0x7f)));
  EXPECT_EQ(Of(Dtype::kFloat8E5m2, 0x7b), 57344);
  EXPECT_TRUE(std::isinf(Of(Dtype::kFloat8E5m2, 0x7c)));
  EXPECT_TRUE(std::isnan(Of(Dtype::kFloat8E4m3fnuz, 0x80)));
  EXPECT_EQ(Of(Dtype::kFloat8E8m0fnu, 127), 1);
}

TEST(NumbersTest, KeepsEveryBitOfAnInteger) {
  EXPECT_EQ(Of(Dtype::kUint64, ~std::uint64_t{0}), 18446744073709551615.0L);
  EXPECT_EQ(Of(Dtype::kInt64, std::uint64_t{1} << 63), -9223372036854775808.0L);
  EXPECT_EQ(Of(Dtype::kInt8, 0xff), -1);
}

TEST(NumbersTest, ClassifiesDtypes) {
  EXPECT_EQ(ClassOf(Dtype::kBool), NumberClass::kBool);
  EXPECT_EQ(ClassOf(Dtype::kUint32), NumberClass::kInteger);
  EXPECT_EQ(ClassOf(Dtype::kFloat8E5m2), NumberClass::kFloat);
  EXPECT_EQ(ClassOf(Dtype::kBcomplex32), NumberClass::kComplex);
  EXPECT_EQ(ClassOf(Dtype::kFloat4E2m1fnX2), NumberClass::kPacked);
}

}  // namespace
}  // namespace loadpath
