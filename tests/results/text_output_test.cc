#include "harness/results/text_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "harness/base/error.h"

namespace loadpath {
namespace {

TEST(TextOutput, GoesIntoAPipe) {
  const std::string pipe = "text_output_test." + std::to_string(getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::string read;
  std::jthread reader([&] { std::getline(std::ifstream(pipe), read); });
  TextOutput(pipe).Write("text");
  reader.join();
  EXPECT_EQ(read, "text");
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  std::filesystem::remove(pipe);
}

TEST(TextOutput, ThatCannotBeWrittenNamesItsPlaceBeforeThereIsAText) {
  EXPECT_THAT([] { TextOutput("/dev/full"); },
              testing::ThrowsMessage<CheckpointError>("/dev/full: cannot be written: No space left on device"));
  EXPECT_THAT([] { TextOutput("/"); }, testing::ThrowsMessage<CheckpointError>("/: cannot be written: Is a directory"));
  EXPECT_THAT([] { TextOutput("no/such/file"); },
              testing::ThrowsMessage<CheckpointError>("no/such/file: cannot be written: No such file or directory"));
}

TEST(RequireWritable, RefusesWhatTakesNoBytesAndKeepsWhatIsThere) {
  EXPECT_THAT([] { RequireWritable("/dev/full"); },
              testing::ThrowsMessage<CheckpointError>("/dev/full: cannot be written: No space left on device"));
  EXPECT_THAT([] { RequireWritable("/"); },
              testing::ThrowsMessage<CheckpointError>("/: cannot be written: Is a directory"));
  EXPECT_THAT([] { RequireWritable("no/such/file"); },
              testing::ThrowsMessage<CheckpointError>("no/such/file: cannot be written: No such file or directory"));
  RequireWritable("/dev/null");
  const std::string file = "require_writable_test." + std::to_string(getpid());
  std::ofstream(file) << "old";
  RequireWritable(file);
  EXPECT_EQ(std::filesystem::file_size(file), 3U);
  std::filesystem::remove(file);
}

TEST(RequireWritable, LeavesAPipeAlone) {
  const std::string pipe = "require_writable_test." + std::to_string(getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  RequireWritable(pipe);  // would wait for a reader
  std::filesystem::remove(pipe);
}

}  // namespace
}  // namespace loadpath
