// Key paths as people type them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/checkpoint/hand_made.h"

namespace loadpath {
namespace {

using namespace std::string_literals;

class KeyPaths : public ::testing::Test {
 protected:
  // {"model": {"layer.0": {"w": 1}, "layer": {"0.w.x": 2}, "list": [10, (20,)]}, "model.layer": 3, 7: "seven", "": 4}
  std::shared_ptr<const Checkpoint> checkpoint_ = OpenPickle(
      "\x80\x02}(U\x05model}(U\x07layer.0}U\x01wK\x01sU\x05layer}U\x05"
      "0.w.xK\x02sU\x04list](K\x0aK\x14\x85"
      "eu"
      "U\x0bmodel.layerK\x03K\x07U\x05sevenU\x00K\x04u."s);
  std::string At(std::string_view path) const {
    try {
      return checkpoint_->tree().ShortText(FollowKeyPath(*checkpoint_, path));
    } catch (const CheckpointError& error) {
      EXPECT_EQ(error.code(), ErrorCode::kKeyPath);
      return error.sentence();
    }
  }
};

TEST_F(KeyPaths, AreFollowedByTheLongestName) {
  EXPECT_EQ(At(""), "<dict of 4>");
  EXPECT_EQ(At("model.layer"), "3");
  EXPECT_EQ(At("model.layer.0.w"), "1");
  EXPECT_EQ(At("model.layer.0.w.x"), "2");
  EXPECT_EQ(At("model.list.0"), "10");
  EXPECT_EQ(At("model.list.1.0"), "20");
  EXPECT_EQ(At("7"), "'seven'");
}

TEST_F(KeyPaths, ThatLeadNowhereSayWhatIsThere) {
  EXPECT_EQ(At("modle"),
            "KeyError: 'modle' (did you mean 'model'?); at the top level are 'model', 'model.layer', '7', ''");
  EXPECT_EQ(At("model.lists"),
            "KeyError: 'lists' (did you mean 'list'?); under 'model' are 'layer.0', 'layer', 'list'");
  EXPECT_EQ(At("model.list.9"),
            "IndexError: list index out of range: 9; under 'model.list' is a <list of 2>, whose positions are numbers "
            "from 0");
  EXPECT_EQ(At("model.list.x"),
            "TypeError: list indices must be integers or slices, not str: 'x'; under 'model.list' is a <list of 2>, "
            "whose positions are numbers from 0");
  EXPECT_EQ(At("7.x"), "TypeError: 'str' object is not subscriptable: 'x'; under '7' is 'seven'");
}

}  // namespace
}  // namespace loadpath
