// The table of formats over all right files that the other tests read: every format has some, and recognises its own.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/checkpoint/formats/folder.h"
#include "harness/checkpoint/formats/formats.h"

namespace loadpath {
namespace {

using nlohmann::json;

// Paths and formats.
std::vector<std::pair<std::string, std::string>> RightFiles() {
  std::vector<std::pair<std::string, std::string>> files;
  for (const std::string folder : {LOADPATH_CORPUS, LOADPATH_ARCHIVES, LOADPATH_SEVERAL}) {
    const json expected = json::parse(std::ifstream(folder + "/expected.json"));
    for (const auto& [name, entry] : expected.items()) files.emplace_back(folder + "/" + name, entry["format"]);
  }
  return files;
}

TEST(Formats, EveryNameHasFilesThatTestIt) {
  std::set<std::string> tested;
  for (const auto& [path, format] : RightFiles()) tested.insert(format);
  for (const Format& format : Formats()) {
    for (const std::string_view name : format.names) {
      EXPECT_TRUE(tested.contains(std::string(name)))
          << "no file of format " << name << " is tested: write some in tests/checkpoint/make_*.py";
      tested.erase(std::string(name));
    }
  }
  EXPECT_TRUE(tested.empty()) << "files of format " << *tested.begin() << " are tested, which no row of kFormats names";
}

TEST(Formats, OneRowTakesAFile) {
  for (const auto& [path, name] : RightFiles()) {
    const std::string file = std::filesystem::is_directory(path) ? CheckpointInFolder(path) : path;
    std::string head(kHeadBytes, '\0');
    std::ifstream stream(file, std::ios::binary);
    head.resize(static_cast<std::size_t>(stream.read(head.data(), static_cast<std::streamsize>(head.size())).gcount()));
    std::size_t takers = 0;
    for (const Format& format : Formats()) {
      if (!format.is(head)) continue;
      ++takers;
      EXPECT_NE(std::ranges::find(format.names, name), format.names.end()) << file;
    }
    EXPECT_EQ(takers, 1u) << file;
  }
}

}  // namespace
}  // namespace loadpath
