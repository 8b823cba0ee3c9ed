#include "harness/inspect/file_and_key.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "harness/base/error.h"

namespace loadpath {
namespace {

TEST(FileAndKeyTest, SplitsAtTheFirstColonsIfThereIsNoSuchFile) {
  const FileAndKey name = ParseFileAndKey("a.pth::state::model");
  EXPECT_EQ(name.file, "a.pth");
  EXPECT_EQ(name.key, "state::model");
  EXPECT_EQ(name.text, "a.pth::state::model");
}

TEST(FileAndKeyTest, TakesOneKeyPathAlone) {
  EXPECT_EQ(WithKey(ParseFileAndKey("a.pth"), "model").key, "model");
  EXPECT_EQ(WithKey(ParseFileAndKey("a.pth::ema"), "").key, "ema");
  for (const char* name : {"a.pth::ema", "a.pth::"}) {
    try {
      WithKey(ParseFileAndKey(name), "model");
      ADD_FAILURE() << "--key was ignored";
    } catch (const UsageError& error) {
      EXPECT_EQ(error.what(),
                "ckpt: " + std::string(name) + " names a key path, and so does --key model; leave one of them out");
    }
  }
}

TEST(FileAndKeyTest, NamesAnotherKeyPathInTheSameWay) {
  EXPECT_EQ(KeyArgument(ParseFileAndKey("a.pth"), "my model"), "--key 'my model'");
  EXPECT_EQ(KeyArgument(ParseFileAndKey("a.pth::x"), "model"), "a.pth::model");
}

TEST(FileAndKeyTest, TakesANameThatExistsAsItIs) {
  const std::string path = testing::TempDir() + "file::and.key";
  std::ofstream(path) << "x";
  const FileAndKey name = ParseFileAndKey(path);
  std::filesystem::remove(path);
  EXPECT_EQ(name.file, path);
  EXPECT_EQ(name.key, "");
}

TEST(FileAndKeyTest, SplitsBehindTheFileThatThereIs) {
  const std::string path = testing::TempDir() + "file::and.key";
  std::ofstream(path) << "x";
  const FileAndKey name = ParseFileAndKey(path + "::a::b");
  std::filesystem::remove(path);
  EXPECT_EQ(name.file, path);
  EXPECT_EQ(name.key, "a::b");
}

TEST(FileAndKeyTest, QuotesForTheShell) {
  EXPECT_EQ(ShellArgument("-n.pth", "s"), "./-n.pth::s");
  EXPECT_EQ(ShellQuoted("-n"), "-n");
  EXPECT_EQ(ShellArgument("a.pth"), "a.pth");
  EXPECT_EQ(ShellArgument("a.pth", "model"), "a.pth::model");
  EXPECT_EQ(ShellArgument("my file.pth", "it's"), "'my file.pth::it'\\''s'");
  EXPECT_EQ(ShellArgument(""), "''");
  EXPECT_EQ(ShellArgument("a\n'b\\\xff\x1b.c"), "$'a\\x0a\\x27b\\x5c\\xff\\x1b.c'");
}

TEST(FileAndKeyTest, JoinsWhatFollowKeyPathTakesApart) {
  const std::vector<std::string> path = {"", "a.b", ""};
  EXPECT_EQ(KeyPath(path), ".a.b.");
  EXPECT_EQ(KeyPath({}), "");
}

}  // namespace
}  // namespace loadpath
