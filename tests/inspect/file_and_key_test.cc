#include "harness/inspect/file_and_key.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace loadpath {
namespace {

TEST(FileAndKeyTest, SplitsAtTheLastColons) {
  const FileAndKey name = ParseFileAndKey("a::b.pth::state.model");
  EXPECT_EQ(name.file, "a::b.pth");
  EXPECT_EQ(name.key, "state.model");
  EXPECT_EQ(name.text, "a::b.pth::state.model");
}

TEST(FileAndKeyTest, GivesTheDefaultKeyToANameWithoutOne) {
  EXPECT_EQ(ParseFileAndKey("a.pth", "model").key, "model");
  EXPECT_EQ(ParseFileAndKey("a.pth::ema", "model").key, "ema");
  EXPECT_EQ(ParseFileAndKey("a.pth::", "model").key, "");
}

TEST(FileAndKeyTest, TakesANameThatExistsAsItIs) {
  const std::string path = testing::TempDir() + "file::and.key";
  std::ofstream(path) << "x";
  const FileAndKey name = ParseFileAndKey(path);
  std::filesystem::remove(path);
  EXPECT_EQ(name.file, path);
  EXPECT_EQ(name.key, "");
}

TEST(FileAndKeyTest, QuotesForTheShell) {
  EXPECT_EQ(ShellArgument("a.pth"), "a.pth");
  EXPECT_EQ(ShellArgument("a.pth", "model"), "a.pth::model");
  EXPECT_EQ(ShellArgument("my file.pth", "it's"), "'my file.pth::it'\\''s'");
  EXPECT_EQ(ShellArgument(""), "''");
}

}  // namespace
}  // namespace loadpath
