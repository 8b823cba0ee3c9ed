// The line that an error prints.
#include "harness/base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loadpath {
namespace {

TEST(Errors, AreOneLineWhateverTheFileSays) {
  const CheckpointError error(ErrorCode::kBadPickle, "a\nb.pth", "says \x1b[31m", "rec\r", 7);
  EXPECT_STREQ(error.what(), "a\\x0ab.pth: says \\x1b[31m, record rec\\x0d, offset 7");
}

TEST(Errors, EndWithTheAdvice) {
  const CheckpointError error(ErrorCode::kUnsupported, "a.pth", "is odd", "data.pkl", 2, "do\nthis");
  EXPECT_STREQ(error.what(), "a.pth: is odd, record data.pkl, offset 2: do\\x0athis");
  EXPECT_EQ(error.sentence(), "is odd");
  EXPECT_EQ(error.advice(), "do\nthis");
  EXPECT_STREQ(
      CheckpointError(ErrorCode::kUnsupported, "a.pth", "is odd", {}, CheckpointError::kNoOffset, "do this").what(),
      "a.pth: is odd: do this");
}

}  // namespace
}  // namespace loadpath
