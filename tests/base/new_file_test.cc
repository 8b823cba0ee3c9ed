// What becomes of links and of what is no regular file.
#include "harness/base/new_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "harness/base/error.h"

namespace loadpath {
namespace {

std::string Content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class NewFileTest : public testing::Test {
 protected:
  NewFileTest() { std::filesystem::create_directories(folder_); }
  ~NewFileTest() override { std::filesystem::remove_all(folder_); }

  static void Write(const std::string& path) {
    NewFile file(path);
    file.WriteAt(0, "new");
    file.Commit();
  }
  const std::string folder_ = "new_file_test." + std::to_string(getpid()) + "/";
};

TEST_F(NewFileTest, ReplacesWhatALinkPointsAtAndKeepsTheLink) {
  std::filesystem::create_directory(folder_ + "deep");
  std::filesystem::create_symlink("deep/second", folder_ + "first");
  std::filesystem::create_symlink("file", folder_ + "deep/second");
  for (const char* before : {"", "old"}) {
    if (*before != '\0') std::ofstream(folder_ + "deep/file") << before;
    Write(folder_ + "first");
    EXPECT_TRUE(std::filesystem::is_symlink(folder_ + "first"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder_ + "deep/second"));
    EXPECT_EQ(Content(folder_ + "deep/file"), "new");
  }
}

TEST_F(NewFileTest, RefusesALinkToItself) {
  std::filesystem::create_symlink("loop", folder_ + "loop");
  EXPECT_THROW(Write(folder_ + "loop"), CheckpointError);
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ + "loop"));
}

TEST_F(NewFileTest, NeverReplacesAFileThatMayNotBeWritten) {
  const std::string file = folder_ + "kept";
  std::ofstream(file) << "old";
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  if (access(file.c_str(), W_OK) == 0) GTEST_SKIP() << "root may write every file";
  EXPECT_THAT([&] { NewFile{file}; },
              testing::ThrowsMessage<CheckpointError>(file + ": cannot be written: Permission denied"));
  EXPECT_EQ(Content(file), "old");
}

TEST_F(NewFileTest, ReservesRoomWithoutGrowing) {
  {
    NewFile file(folder_ + "file");
    file.Reserve(65536);
    file.WriteAt(0, "new");
    file.Commit();
  }
  EXPECT_EQ(Content(folder_ + "file"), "new");
}

TEST_F(NewFileTest, NeverReplacesWhatIsNoRegularFile) {
  const std::string pipe = folder_ + "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT([&] { Write(pipe); }, testing::ThrowsMessage<CheckpointError>(
                                        pipe + ": cannot be replaced, because it is no regular file; name another"));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

}  // namespace
}  // namespace loadpath
