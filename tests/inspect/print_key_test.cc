#include "harness/inspect/print_key.h"

#include <gtest/gtest.h>

#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using namespace pickles;

TEST(PrintKeyTest, PrintsATensorWithTheRangeOfItsElements) {
  const auto checkpoint = Opened(Dict({{"w", Tensor("0", 3, 0, {3}, {1})}}), {{"0", {-1, 0, 4}}});
  EXPECT_EQ(PrintKey(*checkpoint, "w", CrcMode::kAuto),
            "key       w\n"
            "dtype     float32\n"
            "shape     [3]\n"
            "stride    [1]\n"
            "storage   0 at element 0\n"
            "bytes     12\n"
            "min       -1\n"
            "max       4\n"
            "mean      1\n"
            "zeros     1\n"
            "NaN       0\n"
            "infinite  0\n"
            "tensor([-1.,  0.,  4.])\n");
}

TEST(PrintKeyTest, PrintsValuesWhole) {
  std::vector<std::string> numbers;
  for (int i = 0; i < 30; ++i) numbers.push_back(Int(i));
  const auto checkpoint = Opened(Dict({{"epoch", Int(12)}, {"many", List(numbers)}}));
  EXPECT_EQ(PrintKey(*checkpoint, "epoch", CrcMode::kAuto), "12\n");
  EXPECT_TRUE(PrintKey(*checkpoint, "many", CrcMode::kAuto).ends_with(", 28, 29]\n"));
}

TEST(PrintKeyTest, ThrowsIfThereIsNoSuchKey) {
  EXPECT_THROW(PrintKey(*Opened(Dict({})), "epoch", CrcMode::kAuto), CheckpointError);
}

}  // namespace
}  // namespace loadpath
