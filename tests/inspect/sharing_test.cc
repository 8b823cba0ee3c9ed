#include "harness/inspect/sharing.h"

#include <gtest/gtest.h>

#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using namespace pickles;

TEST(SharingTest, NamesTheOtherTensor) {
  const auto checkpoint = Opened(Dict({{"wte", Tensor("94824749883632", 6, 0, {6}, {1})},
                                       {"head", Tensor("94824749883632", 6, 0, {6}, {1})},
                                       {"tail", Tensor("94824749883632", 6, 4, {2}, {1})},
                                       {"alone", Tensor("1", 1, 0, {1}, {1})}}),
                                 {{"94824749883632", {1, 2, 3, 4, 5, 6}}, {"1", {1}}});
  const std::vector<TensorPath> tensors = ListTensors(checkpoint->tree(), checkpoint->tree().root());
  const Sharing sharing(checkpoint->tree(), tensors);
  EXPECT_EQ(sharing.Sentence(0), "");
  EXPECT_EQ(sharing.Sentence(1), "is wte");
  EXPECT_EQ(sharing.Sentence(2), "shares the storage of wte from element 4 on, with 1 more");
  EXPECT_EQ(sharing.Sentence(3), "");
}

}  // namespace
}  // namespace loadpath
