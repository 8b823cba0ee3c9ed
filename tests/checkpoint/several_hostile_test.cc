// Checkpoints in several files that must be refused, each with its exact line; and damage of every kind to those that
// are right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "loadpath/checkpoint.h"
#include "tests/checkpoint/damage.h"

namespace loadpath {
namespace {

using nlohmann::json;

const std::string kDirectory = LOADPATH_SEVERAL_HOSTILE;

TEST(SeveralHostile, EveryCheckpointIsRefusedInItsOwnWords) {
  const json expected = json::parse(std::ifstream(kDirectory + "/expected.json"));
  ASSERT_GT(expected.size(), 80u);
  for (const auto& [name, line] : expected.items()) {
    std::string wanted = line;
    wanted.replace(0, 3, kDirectory);
    try {
      Describe(kDirectory + "/" + name);
      ADD_FAILURE() << name << " was read";
    } catch (const CheckpointError& error) {
      EXPECT_EQ(error.what(), wanted) << name;
    }
  }
}

// A folder with copies of a right checkpoint's files, one of which is a file in memory, to be cut and changed.
class SeveralDamaged : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  SeveralDamaged() {
    std::filesystem::remove_all(folder_);
    std::filesystem::copy(kDirectory + "/" + GetParam().first, folder_);
    const std::string path = folder_ + "/" + GetParam().second;
    bytes_ = BytesOf(path);
    std::filesystem::remove(path);
    std::filesystem::create_symlink(file_.path(), path);
  }

  const std::string folder_ = kDirectory + "/damaged_" + GetParam().first;
  MemoryFile file_;
  std::string bytes_;
};

TEST_P(SeveralDamaged, EveryPrefixIsRefused) {
  ASSERT_FALSE(bytes_.empty());
  for (std::size_t size = 0; size < bytes_.size(); ++size) {
    file_.Write(std::string_view(bytes_).substr(0, size));
    EXPECT_THROW(Describe(folder_), CheckpointError) << size;
  }
  file_.Write(bytes_);
  EXPECT_EQ(Describe(folder_), Describe(kDirectory + "/" + GetParam().first));
}

TEST_P(SeveralDamaged, EveryChangedByteIsRefusedOrHarmless) {
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    for (const char flip : {'\x01', '\x10', '\x80', '\xff'}) {
      std::string changed = bytes_;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      file_.Write(changed);
      try {
        Describe(folder_);
      } catch (const CheckpointError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 2 * bytes_.size());
}

INSTANTIATE_TEST_SUITE_P(Files, SeveralDamaged,
                         ::testing::Values(std::pair("right_sharded", "model.safetensors.index.json"),
                                           std::pair("right_dcp", ".metadata")),
                         [](const auto& info) { return info.param.first; });

}  // namespace
}  // namespace loadpath
