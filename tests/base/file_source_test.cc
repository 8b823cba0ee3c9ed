// Opening what is no regular file, and what reads cost.
#include "harness/base/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "tests/checkpoint/memory_file.h"

namespace loadpath {
namespace {

using namespace std::string_literals;

std::string ErrorOf(const std::string& path) {
  try {
    const RegularFile file(path);
  } catch (const CheckpointError& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    return error.sentence();
  }
  return "no error";
}

TEST(FileSource, RefusesWhatIsNoRegularFile) {
  EXPECT_EQ(ErrorOf("/nowhere/x.pth"), "cannot be opened: No such file or directory");
  EXPECT_EQ(ErrorOf("/"), "is a directory, not a checkpoint file");
  EXPECT_EQ(ErrorOf("/dev/zero"), "is a device; a checkpoint must be a regular file");
  EXPECT_EQ(ErrorOf("a\0b"s), "cannot be opened: the name contains a NUL byte");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(ErrorOf("/proc/self/fd/" + std::to_string(ends[0])), "is a FIFO; a checkpoint must be a regular file");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FileSource, CountsCallsAndBytesAlsoOfAFileInsideIt) {
  const MemoryFile bytes("0123456789");
  const RegularFile outer(bytes.path());
  const InnerFile inner(outer, 2, 4);
  std::array<std::byte, 3> dst{};
  inner.ReadAt(1, dst);
  EXPECT_EQ(dst[0], std::byte{'3'});
  EXPECT_EQ(outer.read_calls(), 1u);
  EXPECT_EQ(outer.bytes_read(), 3u);
  EXPECT_EQ(inner.begin(), 2u);
  EXPECT_THROW(inner.ReadAt(2, dst), CheckpointError);
  EXPECT_THROW(outer.ReadAt(8, dst), CheckpointError);
}

}  // namespace
}  // namespace loadpath
