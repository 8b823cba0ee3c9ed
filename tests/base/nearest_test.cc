// The nearest name, for "did you mean".
#include "harness/base/nearest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loadpath {
namespace {

TEST(Nearest, IsWithinAThirdOfTheLongerName) {
  const std::vector<std::string> names{"fc1.weight", "fc2.weight", "conv.bias"};
  EXPECT_EQ(Nearest("fc1.wieght", names), "fc1.weight");
  EXPECT_EQ(Nearest("fc2.weight", names), "fc2.weight");
  EXPECT_EQ(Nearest("something else", names), "");
  EXPECT_EQ(Nearest("lable", std::vector<std::string>{"table", "label"}), "table");
  EXPECT_EQ(Nearest("modle", std::vector<std::string>{"model"}), "model");
  EXPECT_EQ(Nearest("abc", std::vector<std::string>{"abd"}), "abd");
  EXPECT_EQ(Nearest("ab", std::vector<std::string>{"ac"}), "");
}

// Names of a file may be very long, and very many.
TEST(Nearest, ComparesWithinLimits) {
  const auto one_off = [](std::size_t size) {
    return Nearest(std::string(size, 'a'), std::vector<std::string>{std::string(size - 1, 'a') + "b"});
  };
  EXPECT_EQ(one_off(200), std::string(199, 'a') + "b");
  EXPECT_EQ(one_off(201), "");
  std::vector<std::string> names(10'000, std::string(190, 'c'));
  names.push_back(std::string(189, 'd') + "e");
  EXPECT_EQ(Nearest(std::string(190, 'd'), names), "");
}

TEST(DidYouMean, IsTheEndOfASentence) {
  EXPECT_EQ(DidYouMean("dirct", std::vector<std::string>{"copy", "direct"}), "; did you mean direct?");
  EXPECT_EQ(DidYouMean("else", std::vector<std::string>{"copy", "direct"}), "");
}

}  // namespace
}  // namespace loadpath
