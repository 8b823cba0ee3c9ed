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

TEST(TextOutput, ThatCannotBeWrittenNamesItsPlace) {
  EXPECT_THAT([] { TextOutput("/dev/full").Write("text"); },
              testing::ThrowsMessage<CheckpointError>("/dev/full: cannot be written: No space left on device"));
  EXPECT_THROW(TextOutput{"/"}, CheckpointError);
}

}  // namespace
}  // namespace loadpath
