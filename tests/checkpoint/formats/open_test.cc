// What opening a checkpoint reads, exactly; and that the table of formats and the folders agree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>

#include "harness/checkpoint/formats/formats.h"
#include "tests/checkpoint/hand_made.h"
#include "tests/fuzz/zip_bytes.h"

namespace loadpath {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

std::pair<std::uint64_t, std::uint64_t> Cost(const std::string& path) {
  const auto checkpoint = Checkpoint::Open(path);
  return {checkpoint->open_report().read_calls, checkpoint->open_report().bytes_read};
}

std::string Safetensors() {
  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  return Bytes<std::uint64_t>(header.size()) + header + "x";
}

// The first bytes are read once, to recognise the format.
TEST(Open, ReadsTheFirstBytesOnceAndThenWhatTheFormatNeeds) {
  const std::string legacy = Legacy("\x80\x02N.");
  // The first bytes; the file, which is shorter than what is read of a pickle at once.
  EXPECT_EQ(Cost(MemoryFile(legacy).path()), std::pair(2ul, 2 * legacy.size()));
  // The first bytes; the header's length; the header.
  EXPECT_EQ(Cost(MemoryFile(Safetensors()).path()), std::pair(3ul, 2 * Safetensors().size() - 1));
  // The first bytes; the end of the file; the directory; header and bytes of the version and of the pickle.
  const std::array<std::pair<std::string, std::string_view>, 2> records = {
      {{"a/data.pkl", "\x80\x02N."}, {"a/version", "3\n"}}};
  EXPECT_EQ(Cost(MemoryFile(fuzz::ZipOf(records)).path()).first, 7u);
}

TEST(Open, OfAnIndexReadsEachShardAsAFileOfItsOwn) {
  std::string folder = "/dev/shm/loadpath-test-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/s.safetensors") << Safetensors();
  const std::string index = R"({"weight_map":{"a":"s.safetensors"}})";
  std::ofstream(folder + "/model.safetensors.index.json") << index;
  EXPECT_EQ(Cost(folder), std::pair(2ul + 3ul, 2 * index.size() + 2 * Safetensors().size() - 1));
  fs::remove_all(folder);
}

// The bytes of a length may be the signature of something else: of a protobuf message, gzip, a zip archive.
TEST(Open, KnowsSafetensorsWhateverItsLengthLooksLike) {
  const std::string entry = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  for (const std::uint64_t length : {0x120108, 0x088b1f, 0x04034b50}) {
    std::string bytes = Bytes(length) + entry;
    bytes.resize(8 + length, ' ');
    EXPECT_EQ(Checkpoint::Open(MemoryFile(bytes + "x").path())->format(), "safetensors") << length;
  }
}

TEST(Formats, EveryFolderHasARowAndEveryRowAFolder) {
  const fs::path formats = fs::path(LOADPATH_SOURCE) / "harness/checkpoint/formats";
  std::set<std::string> folders, rows;
  for (const fs::directory_entry& entry : fs::directory_iterator(formats)) {
    if (entry.is_directory()) folders.insert(entry.path().filename());
  }
  for (const Format& format : Formats()) rows.emplace(format.folder);
  for (const std::string& folder : folders) {
    EXPECT_TRUE(rows.contains(folder)) << "harness/checkpoint/formats/" << folder
                                       << " has no row: add a line for it to kFormats in formats.cc";
    EXPECT_TRUE(fs::exists(formats / folder / (folder + ".h")))
        << "harness/checkpoint/formats/" << folder << " has no header " << folder << ".h that declares its opener";
  }
  for (const std::string& row : rows) {
    EXPECT_TRUE(folders.contains(row)) << "the row \"" << row << "\" of kFormats in formats.cc has no folder";
  }
}

TEST(Formats, EveryRowIsWhole) {
  std::set<std::string_view> names;
  for (const Format& format : Formats()) {
    EXPECT_FALSE(format.names.empty()) << format.folder;
    for (const std::string_view name : format.names) EXPECT_TRUE(names.insert(name).second) << name << " stands twice";
    EXPECT_NE(format.is, nullptr) << format.folder;
    EXPECT_NE(format.open_file == nullptr, format.open_several == nullptr)
        << format.folder << ": a row has one of open_file and open_several";
  }
}

// A table that a file can fill needs a hash that the file's author cannot know.
TEST(Sources, UseKeyedHashesAlone) {
  for (const char* room : {"checkpoint", "inspect", "diff", "save"}) {
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(fs::path(LOADPATH_SOURCE) / "harness" / room)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path());
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      for (const std::string word : {"std::unordered_", "std::hash<"}) {
        EXPECT_EQ(text.find(word), std::string::npos)
            << entry.path() << " has " << word << ": use HashMap, HashSet or KeyedHash of harness/base/keyed_hash.h";
      }
    }
  }
}

// nlohmann::json's parser with a callback searches the object around each object that ends.
TEST(Sources, ParseJsonWithoutCallbacks) {
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(fs::path(LOADPATH_SOURCE) / "harness/checkpoint")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(text.find("parse_event_t"), std::string::npos)
        << entry.path() << " parses JSON with a callback, which takes quadratic time: use sax_parse";
  }
}

}  // namespace
}  // namespace loadpath
