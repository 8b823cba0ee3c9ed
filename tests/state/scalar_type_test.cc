#include "harness/state/scalar_type.h"

#include <gtest/gtest.h>

namespace loadpath {
namespace {

TEST(ScalarType, EveryDtypeGoesThereAndBackWithItsSize) {
  for (int i = 0; i <= static_cast<int>(Dtype::kFloat4E2m1fnX2); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    EXPECT_EQ(FromScalarType(ToScalarType(dtype)), dtype) << Name(dtype);
    EXPECT_EQ(c10::elementSize(ToScalarType(dtype)), ItemSize(dtype)) << Name(dtype);
  }
}

TEST(ScalarType, QuantisedTypesAreNotDense) { EXPECT_EQ(FromScalarType(at::ScalarType::QInt8), std::nullopt); }

}  // namespace
}  // namespace loadpath
