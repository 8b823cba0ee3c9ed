// Files that must be refused, each with its exact sentence; and damage of every kind to files that are right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/checkpoint/pickle/globals.h"
#include "loadpath/checkpoint.h"
#include "tests/checkpoint/damage.h"

namespace loadpath {
namespace {

using nlohmann::json;

const std::string kDirectory = LOADPATH_HOSTILE;

TEST(Hostile, EveryFileIsRefusedInItsOwnWords) {
  const json expected = json::parse(std::ifstream(kDirectory + "/expected.json"));
  ASSERT_GT(expected.size(), 150u);
  for (const auto& [name, sentence] : expected.items()) {
    const std::string path = kDirectory + "/" + name;
    try {
      Describe(path);
      ADD_FAILURE() << name << " was read";
    } catch (const CheckpointError& error) {
      EXPECT_EQ(error.sentence(), sentence.get<std::string>()) << name;
      EXPECT_EQ(error.file(), path);
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << name;
    }
  }
}

TEST(Hostile, TheAllowListIsPyTorchs) {
  const json expected = json::parse(std::ifstream(kDirectory + "/allowed.json"));
  std::vector<std::string> ours;
  for (std::uint32_t i = 0; i < GlobalCount(); ++i) ours.emplace_back(GlobalAt(i).name);
  EXPECT_THAT(ours, ::testing::UnorderedElementsAreArray(expected.get<std::vector<std::string>>()));
}

class Damaged : public ::testing::TestWithParam<std::string> {};

TEST_P(Damaged, EveryPrefixIsRefused) { ExpectEveryPrefixRefused(kDirectory + "/" + GetParam()); }

TEST_P(Damaged, EveryChangedByteIsFoundOrHarmless) { ExpectEveryChangeFoundOrHarmless(kDirectory + "/" + GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Files, Damaged, ::testing::Values("right.zip", "right.legacy", "right.safetensors", "torch.zip", "deflated.zip"),
    [](const auto& info) {
      return info.param.substr(0, info.param.find('.')) + "_" + info.param.substr(info.param.find('.') + 1);
    });

}  // namespace
}  // namespace loadpath
