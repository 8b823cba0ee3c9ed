#include "harness/inspect/digest.h"

#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>

#include "harness/base/sha256.h"
#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using namespace pickles;

TEST(DigestTest, DigestsTheElementsInRowMajorOrder) {
  const auto checkpoint = Opened(Dict({{"plain", Tensor("0", 4, 0, {2, 2}, {2, 1})},
                                       {"transposed", Tensor("0", 4, 0, {2, 2}, {1, 2})},
                                       {"tied", Tensor("0", 4, 0, {2, 2}, {2, 1})}}),
                                 {{"0", {1, 2, 3, 4}}});
  const std::vector<TensorPath> tensors = ListTensors(checkpoint->tree(), checkpoint->tree().root());
  const float plain[] = {1, 2, 3, 4}, transposed[] = {1, 3, 2, 4};
  const std::string wanted = Sha256(std::as_bytes(std::span(plain)));
  EXPECT_THAT(DigestTensors(*checkpoint, tensors, CrcMode::kAuto),
              testing::ElementsAre(wanted, Sha256(std::as_bytes(std::span(transposed))), wanted));
  EXPECT_THAT(FirstOfEqualViews(checkpoint->tree(), tensors), testing::ElementsAre(0, 1, 0));
}

TEST(DigestTest, RefusesTensorsThatOverlapTooOften) {
  const auto views = [](std::int32_t count) {
    std::vector<std::pair<std::string, std::string>> items;
    for (std::int32_t i = 0; i < count; ++i) {
      items.emplace_back(std::to_string(i), Tensor("0", 1 << 22, 0, {(1 << 22) - i}, {1}));
    }
    return Opened(Dict(items), {{"0", std::vector<float>(1 << 22)}});
  };
  const auto digest = [](const Checkpoint& checkpoint) {
    return DigestTensors(checkpoint, ListTensors(checkpoint.tree(), checkpoint.tree().root()), CrcMode::kOff);
  };
  // Of 16 MiB, 64 times are one GiB.
  EXPECT_EQ(digest(*views(3)).size(), 3);
  const auto many = views(100);
  try {
    digest(*many);
    FAIL();
  } catch (const CheckpointError& error) {
    EXPECT_EQ(error.code(), ErrorCode::kLimitExceeded);
    EXPECT_THAT(error.what(),
                testing::HasSubstr("has tensors that overlap: to read each takes 1.68e+09 bytes, 100 times "
                                   "those of their storages; name a part of them as FILE::KEY"));
  }
}

TEST(DigestTest, DoesEveryPieceOfWorkOnce) {
  const std::vector<std::uint64_t> sizes = {1, 5, 3, 5};
  std::vector<std::atomic<int>> done(sizes.size());
  ForEachLargestFirst(sizes, [&](std::size_t i) { ++done[i]; });
  for (const std::atomic<int>& count : done) EXPECT_EQ(count, 1);
}

TEST(DigestTest, ThrowsOnTheFirstException) {
  const std::vector<std::uint64_t> sizes(100, 1);
  EXPECT_THROW(ForEachLargestFirst(sizes,
                                   [](std::size_t i) {
                                     if (i == 50) throw std::out_of_range("50");
                                   }),
               std::out_of_range);
}

}  // namespace
}  // namespace loadpath
