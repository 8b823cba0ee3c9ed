#include "harness/golden/compare.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <limits>

namespace loadpath {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
using Index = std::vector<std::int64_t>;

Comparison CompareDefault(const at::Tensor& actual, const at::Tensor& expected) {
  return Compare(actual, expected, DefaultTolerance(expected.scalar_type()));
}

TEST(Tolerance, IsThatOfAssertClose) {
  EXPECT_EQ(DefaultTolerance(at::kHalf).rtol, 1e-3);
  EXPECT_EQ(DefaultTolerance(at::kBFloat16).rtol, 1.6e-2);
  EXPECT_EQ(DefaultTolerance(at::kFloat).rtol, 1.3e-6);
  EXPECT_EQ(DefaultTolerance(at::kFloat).atol, 1e-5);
  EXPECT_EQ(DefaultTolerance(at::kDouble).rtol, 1e-7);
  EXPECT_EQ(DefaultTolerance(at::kDouble).atol, 1e-7);
  EXPECT_EQ(DefaultTolerance(at::kComplexFloat).rtol, 1.3e-6);
  for (auto type : {at::kLong, at::kBool, at::kFloat8_e4m3fn}) {
    EXPECT_EQ(DefaultTolerance(type).rtol, 0) << type;
    EXPECT_EQ(DefaultTolerance(type).atol, 0) << type;
  }
}

TEST(Compare, EqualTensorsHaveNoDifference) {
  const at::Tensor tensor = at::arange(6, at::kFloat).view({2, 3});
  const Comparison result = CompareDefault(tensor.clone(), tensor);
  EXPECT_TRUE(result.equal);
  EXPECT_EQ(result.mismatched, 0);
  EXPECT_EQ(result.total, 6);
  EXPECT_EQ(result.sentence, "no difference");
}

TEST(Compare, ASmallDifferenceIsAllowedAndReported) {
  const at::Tensor expected = at::ones({2, 3}, at::kDouble);
  at::Tensor actual = expected.clone();
  actual[1][0] += 0.125;
  const Comparison result = Compare(actual, expected, {.rtol = 0.0625, .atol = 0.0625});
  EXPECT_TRUE(result.equal);
  EXPECT_EQ(result.greatest_absolute, 0.125);
  EXPECT_EQ(result.greatest_relative, 0.125);
  EXPECT_EQ(result.where, (Index{1, 0}));
  EXPECT_EQ(result.sentence, "largest difference 0.125 at (1, 0), allowed 0.0625 + 0.0625 * |expected|");
}

TEST(Compare, ElementsBeyondTheToleranceDiffer) {
  const at::Tensor expected = torch::tensor({1.0, 100.0, 0.0}, at::kDouble);
  // Allowed: 0.75, 50.25, 0.25. The largest difference is allowed, so the largest of the others is reported.
  const at::Tensor actual = torch::tensor({1.8125, 140.0, 0.875}, at::kDouble);
  const Comparison result = Compare(actual, expected, {.rtol = 0.5, .atol = 0.25});
  EXPECT_FALSE(result.equal);
  EXPECT_EQ(result.mismatched, 2);
  EXPECT_EQ(result.greatest_absolute, 0.875);
  EXPECT_EQ(result.greatest_relative, kInf);  // 0.875, and 0 is expected
  EXPECT_EQ(result.where, Index{2});
  EXPECT_EQ(
      result.sentence,
      "2 of 3 elements differ: largest difference 0.875 at (2,) (0.875, expected 0), allowed 0.25 + 0.5 * |expected|");
}

TEST(Compare, NanEqualsNothing) {
  const at::Tensor expected = torch::tensor({1.0f, 2.0f});
  EXPECT_EQ(
      CompareDefault(torch::tensor({1.0f, float(kNan)}), expected).sentence,
      "1 of 2 elements differ: largest difference nan at (1,) (nan, expected 2), allowed 1e-05 + 1.3e-06 * |expected|");
  const at::Tensor nan = at::full({2}, kNan, at::kFloat);
  EXPECT_EQ(CompareDefault(nan, nan).mismatched, 2);
  EXPECT_FALSE(CompareDefault(torch::tensor({1.0f, 2.0f}), nan).equal);
}

TEST(Compare, InfinityEqualsOnlyItself) {
  const at::Tensor inf = torch::tensor({float(kInf)});
  EXPECT_TRUE(CompareDefault(inf, inf).equal);
  EXPECT_FALSE(CompareDefault(-inf, inf).equal);
  EXPECT_FALSE(CompareDefault(torch::tensor({1.0f}), inf).equal);
  EXPECT_FALSE(CompareDefault(inf, torch::tensor({1.0f})).equal);
}

TEST(Compare, IntegersAreExact) {
  // A double cannot tell these apart.
  const at::Tensor expected = torch::tensor({std::int64_t{1} << 53}, at::kLong);
  const Comparison result = CompareDefault(expected + 1, expected);
  EXPECT_FALSE(result.equal);
  EXPECT_EQ(result.where, Index{0});
  EXPECT_TRUE(CompareDefault(expected, expected).equal);
  EXPECT_FALSE(CompareDefault(torch::tensor({true, false}), torch::tensor({true, true})).equal);
}

TEST(Compare, EveryKindOfDtypeIsCompared) {
  for (auto type :
       {at::kHalf, at::kBFloat16, at::kComplexHalf, at::kComplexDouble, at::kFloat8_e5m2, at::kUInt16, at::kUInt64}) {
    const at::Tensor expected = at::arange(4, at::kFloat).to(type);
    EXPECT_TRUE(CompareDefault(expected.clone(), expected).equal) << type;
    EXPECT_EQ(CompareDefault(at::arange(1, 5, at::kFloat).to(type), expected).mismatched, 4) << type;
  }
}

TEST(Compare, ShapeAndDtypeMustBeEqual) {
  const at::Tensor expected = at::zeros({2, 3});
  const Comparison shape = CompareDefault(at::zeros({3, 2}), expected);
  EXPECT_FALSE(shape.equal);
  EXPECT_EQ(shape.mismatched, 6);
  EXPECT_EQ(shape.sentence, "shape (3, 2), expected (2, 3)");
  EXPECT_EQ(CompareDefault(at::zeros({3}), expected).sentence, "shape (3,), expected (2, 3)");
  const Comparison dtype = CompareDefault(at::zeros({2, 3}, at::kDouble), expected);
  EXPECT_FALSE(dtype.equal);
  EXPECT_EQ(dtype.sentence, "dtype Double, expected Float");
}

TEST(Compare, ScalarsAndEmptyTensorsAreCompared) {
  EXPECT_EQ(CompareDefault(at::scalar_tensor(1.0), at::scalar_tensor(2.0)).sentence,
            "1 of 1 elements differ: largest difference 1 at () (1, expected 2), allowed 1e-05 + 1.3e-06 * |expected|");
  EXPECT_TRUE(CompareDefault(at::zeros({0, 3}), at::zeros({0, 3})).equal);
  EXPECT_FALSE(CompareDefault(at::zeros({0, 3}), at::zeros({3, 0})).equal);
}

TEST(Compare, StridesDoNotMatter) {
  const at::Tensor expected = at::arange(6, at::kFloat).view({2, 3});
  at::Tensor actual = expected.t().contiguous().t();
  EXPECT_TRUE(CompareDefault(actual, expected).equal);
  actual[1][2] += 1;
  EXPECT_EQ(CompareDefault(actual, expected).where, (Index{1, 2}));
}

}  // namespace
}  // namespace loadpath
