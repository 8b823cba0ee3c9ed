#include "harness/diff/tensor_difference.h"

#include <gmock/gmock.h>

#include <cmath>

namespace loadpath {
namespace {

TensorDifference Difference(const std::vector<float>& wanted, const std::vector<float>& have,
                            std::optional<Tolerance> tolerance = std::nullopt) {
  const std::int64_t shape[] = {2, static_cast<std::int64_t>(wanted.size() / 2)};
  return MeasureDifference(std::as_bytes(std::span(wanted)), std::as_bytes(std::span(have)), Dtype::kFloat32, shape,
                           tolerance);
}

TEST(TensorDifferenceTest, FindsTheLargestDifferences) {
  const TensorDifference found = Difference({1, 2, 3, 100}, {1, 2, 4, 103});
  EXPECT_EQ(found.differing, 2);
  EXPECT_EQ(found.first, 2);
  EXPECT_EQ(found.largest, 3);
  EXPECT_THAT(found.largest_at, testing::ElementsAre(1, 1));
  EXPECT_NEAR(found.relative, 1.0 / 3, 1e-12);
  EXPECT_THAT(found.relative_at, testing::ElementsAre(1, 0));
}

TEST(TensorDifferenceTest, ComparesBitByBitWithoutATolerance) {
  EXPECT_EQ(Difference({0, NAN}, {-0.0F, NAN}).differing, 1);
}

TEST(TensorDifferenceTest, AcceptsWhatTheToleranceAllows) {
  EXPECT_EQ(Difference({1, 100}, {1.5F, 101}, Tolerance{.rtol = 0.01, .atol = 0.5}).differing, 0);
  EXPECT_EQ(Difference({1, 100}, {1.5F, 101}, Tolerance{.rtol = 0, .atol = 0.5}).differing, 1);
  EXPECT_EQ(Difference({NAN, INFINITY}, {NAN, INFINITY}, Tolerance{}).differing, 0);
  EXPECT_EQ(Difference({NAN, INFINITY}, {1, 1e30F}, Tolerance{.rtol = 1, .atol = 1}).differing, 2);
}

TEST(TensorDifferenceTest, TrueIsOneForATolerance) {
  const bool wanted[] = {true}, have[] = {false};
  const std::int64_t shape[] = {1};
  const auto differing = [&](double atol) {
    return MeasureDifference(std::as_bytes(std::span(wanted)), std::as_bytes(std::span(have)), Dtype::kBool, shape,
                             Tolerance{.rtol = 0, .atol = atol})
        .differing;
  };
  EXPECT_EQ(differing(0.5), 1);
  EXPECT_EQ(differing(1), 0);
}

TEST(TensorDifferenceTest, EveryNumberIsInfinitelyFarFromInfinity) {
  for (const auto& [wanted, have] :
       {std::pair(INFINITY, 0.0F), std::pair(0.0F, INFINITY), std::pair(INFINITY, -INFINITY)}) {
    const TensorDifference found = Difference({1, wanted}, {1, have});
    EXPECT_EQ(found.largest, INFINITY);
    EXPECT_EQ(found.relative, INFINITY);
  }
}

}  // namespace
}  // namespace loadpath
