// Tests that load_paths.inc, the folder harness/load and the documentation name the same load paths.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "harness/load/load_path.h"

namespace loadpath {
namespace {

const std::filesystem::path kSource = LOADPATH_SOURCE;

std::string ReadText(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::set<std::string> Listed() {
  std::set<std::string> names;
  for (const LoadPath& path : LoadPaths()) names.emplace(path.name);
  return names;
}

TEST(LoadPathTable, HoldsEveryPathThatAFileDefines) {
  static const std::regex kDefinition("const LoadPath ([a-z_]+)_path =");
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "harness/load")) {
    if (!entry.is_regular_file()) continue;
    std::smatch match;
    const std::string text = ReadText(entry.path());
    if (!std::regex_search(text, match, kDefinition)) continue;
    ++files;
    const std::string name = match[1], file = entry.path().filename();
    EXPECT_TRUE(Listed().contains(name)) << "harness/load/" << file << " defines the load path " << name
                                         << ", but no one can use it: add LOAD_PATH(" << name
                                         << ") to harness/load/load_paths.inc";
    EXPECT_EQ(file, name + ".cc") << "the load path " << name << " is defined in harness/load/" << file
                                  << ": rename the file to " << name << ".cc";
  }
  EXPECT_EQ(files, static_cast<int>(LoadPaths().size()));
}

TEST(LoadPathTable, NamesEachPathOnceAndByItsFile) {
  EXPECT_EQ(Listed().size(), LoadPaths().size()) << "two load paths have one name";
  for (const LoadPath& path : LoadPaths()) {
    EXPECT_TRUE(std::filesystem::exists(kSource / "harness/load" / (std::string(path.name) + ".cc")))
        << "the load path " << path.name << " is not in harness/load/" << path.name
        << ".cc: give its LoadPath::name and its file one name";
    EXPECT_EQ(FindLoadPath(path.name), &path);
  }
  EXPECT_EQ(FindLoadPath("teleport"), nullptr);
}

TEST(LoadPathTable, DescribesEachPath) {
  for (const LoadPath& path : LoadPaths()) {
    SCOPED_TRACE(path.name);
    EXPECT_NE(path.load, nullptr);
    EXPECT_FALSE(path.summary.empty());
    EXPECT_TRUE(path.limit == "pread-fresh" || path.limit == "mmap") << "no machine limit is called " << path.limit;
    EXPECT_EQ(path.input != LoadInput::kAny, !path.libtorch_reader.empty())
        << "only LibTorch's own readers refuse checkpoints that our reader opens";
    EXPECT_FALSE(path.runs_code && path.libtorch_reader.empty()) << "our own paths never run anything from a file";
  }
}

TEST(LoadPathTable, IsDocumented) {
  const std::string table = ReadText(kSource / "docs/load_paths.md");
  for (const LoadPath& path : LoadPaths()) {
    const std::string row = "\n| `" + std::string(path.name) + "` |";
    EXPECT_TRUE(table.find(row) != std::string::npos) << "docs/load_paths.md has no row for the load path " << path.name
                                                      << ": add | `" << path.name << "` | what it does |";
  }
}

}  // namespace
}  // namespace loadpath
