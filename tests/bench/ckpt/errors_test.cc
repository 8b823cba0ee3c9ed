#include "bench/ckpt/errors.h"

#include <gtest/gtest.h>

#include <new>
#include <system_error>

#include "harness/base/error.h"

namespace loadpath::ckpt {
namespace {

// What OnFile makes of an exception.
template <class Exception>
CheckpointError Translated(const Exception& exception) {
  try {
    OnFile("x.pth", [&]() -> int { throw exception; });
  } catch (const CheckpointError& error) {
    return error;
  }
  return {ErrorCode::kIo, "", "nothing was thrown"};
}

TEST(ErrorsTest, AThreadThatCannotBeHadIsOutOfMemory) {
  const CheckpointError error = Translated(std::system_error(EAGAIN, std::generic_category(), "thread"));
  EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
  EXPECT_STREQ(error.what(), "x.pth: could not be handled: out of memory");
}

TEST(ErrorsTest, OtherSystemErrorsSayWhatTheyAre) {
  const CheckpointError error = Translated(std::system_error(EACCES, std::generic_category(), "mapping"));
  EXPECT_EQ(error.code(), ErrorCode::kIo);
  EXPECT_STREQ(error.what(), "x.pth: could not be handled: mapping: Permission denied");
}

TEST(ErrorsTest, AFailedAllocationIsOutOfMemory) {
  EXPECT_EQ(Translated(std::bad_alloc()).code(), ErrorCode::kOutOfMemory);
}

TEST(ErrorsTest, GivesTheExitCode) {
  EXPECT_EQ(OnFile("x.pth", [] { return 7; }), 7);
  EXPECT_EQ(RunProgram([]() -> int { throw std::runtime_error("wrong"); }), kBadUse);
}

}  // namespace
}  // namespace loadpath::ckpt
