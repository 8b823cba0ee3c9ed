#include "harness/state/scalar_type.h"

#include <gtest/gtest.h>

namespace loadpath {
namespace {

TEST(ScalarType, EveryDtypeHasOneOfTheSameSizeAndLeadsBack) {
  for (int i = 0; i <= static_cast<int>(Dtype::kBcomplex32); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    SCOPED_TRACE(Name(dtype));
    const std::optional<at::ScalarType> type = FindScalarType(dtype);
    // LibTorch before 2.15 has no BComplex32; every other dtype is in all of them.
    if (!type) {
      EXPECT_EQ(dtype, Dtype::kBcomplex32);
      EXPECT_THROW(ToScalarType(dtype), std::invalid_argument);
      continue;
    }
    EXPECT_EQ(ToScalarType(dtype), *type);
    EXPECT_EQ(FromScalarType(*type), dtype);
    EXPECT_EQ(c10::elementSize(*type), ItemSize(dtype));
  }
}

TEST(ScalarType, NamesAreThoseOfPyTorch) {
  EXPECT_EQ(ToScalarType(Dtype::kFloat32), at::ScalarType::Float);
  EXPECT_STREQ(c10::toString(ToScalarType(Dtype::kComplex32)), "ComplexHalf");
  const auto type = FindScalarType(Dtype::kBcomplex32);
  EXPECT_EQ(type ? c10::toString(*type) : std::string("BComplex32"), std::string("BComplex32"));
}

TEST(ScalarType, ANumberThatIsNoDtypeIsRefused) {
  EXPECT_THROW(ToScalarType(static_cast<Dtype>(static_cast<int>(Dtype::kBcomplex32) + 1)), std::invalid_argument);
  EXPECT_THROW(ToScalarType(static_cast<Dtype>(255)), std::invalid_argument);
}

TEST(ScalarType, QuantisedTypesAreNoDtypeOfACheckpoint) {
  EXPECT_EQ(FromScalarType(at::ScalarType::QInt8), std::nullopt);
}

}  // namespace
}  // namespace loadpath
