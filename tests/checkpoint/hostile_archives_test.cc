// TorchScript and torch.export archives and pickled modules that must be refused, each with its exact sentence; and
// damage of every kind to files that are right.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/checkpoint/damage.h"

namespace loadpath {
namespace {

using nlohmann::json;

const std::string kDirectory = LOADPATH_HOSTILE_ARCHIVES;

TEST(HostileArchives, EveryFileIsRefusedInItsOwnWords) {
  const json expected = json::parse(std::ifstream(kDirectory + "/expected.json"));
  ASSERT_GT(expected.size(), 80u);
  for (const auto& [name, entry] : expected.items()) {
    const std::string path = kDirectory + "/" + name;
    try {
      Describe(path, entry[1]);
      ADD_FAILURE() << name << " was read";
    } catch (const CheckpointError& error) {
      EXPECT_EQ(error.sentence(), entry[0].get<std::string>()) << name;
      EXPECT_EQ(error.file(), path);
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << name;
    }
  }
}

// What a caller names is opened: its tensors are its state's.
TEST(RightArchives, AreRead) {
  const auto paths = [](const std::string& name, bool opaque) {
    const auto checkpoint = Checkpoint::Open(kDirectory + "/" + name, {.opaque = opaque});
    std::string text(checkpoint->format());
    for (const TensorPath& entry : ListTensors(checkpoint->tree(), checkpoint->tree().root()))
      text += " " + entry.path.back();
    return text;
  };
  EXPECT_EQ(paths("right.script", false), "torchscript w");
  EXPECT_EQ(paths("right.export", false), "pt2 w");
  EXPECT_EQ(paths("right.pickled", false), "pt2 w");
  EXPECT_EQ(paths("right.whole", true), "zip");
  EXPECT_EQ(paths("right.old_whole", true), "legacy");
}

class DamagedArchive : public ::testing::TestWithParam<std::string> {
 protected:
  std::string path_ = kDirectory + "/" + GetParam();
  bool opaque_ = GetParam().ends_with("whole");
};

TEST_P(DamagedArchive, EveryPrefixIsRefused) { ExpectEveryPrefixRefused(path_, opaque_); }

TEST_P(DamagedArchive, EveryChangedByteIsFoundOrHarmless) { ExpectEveryChangeFoundOrHarmless(path_, opaque_); }

INSTANTIATE_TEST_SUITE_P(Files, DamagedArchive,
                         ::testing::Values("right.script", "right.export", "right.pickled", "right.whole",
                                           "right.old_whole"),
                         [](const auto& info) { return info.param.substr(info.param.find('.') + 1); });

}  // namespace
}  // namespace loadpath
