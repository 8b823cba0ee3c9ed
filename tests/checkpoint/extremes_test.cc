// Files at the edges of every limit: refused, each with its exact sentence, or read.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "loadpath/checkpoint.h"

namespace loadpath {
namespace {

using nlohmann::json;

TEST(Extremes, AreRefusedInTheirOwnWordsOrRead) {
  const std::string directory = LOADPATH_EXTREMES;
  const json expected = json::parse(std::ifstream(directory + "/expected.json"));
  ASSERT_GT(expected.size(), 60u);
  for (const auto& [name, sentence] : expected.items()) {
    const std::string path = directory + "/" + name;
    json got;
    try {
      const auto checkpoint = Checkpoint::Open(path);
      for (const TensorPath& tensor : ListTensors(checkpoint->tree(), checkpoint->tree().root())) {
        ReadTensor(*checkpoint, checkpoint->tree().tensor(tensor.node));
      }
    } catch (const CheckpointError& error) {
      got = error.sentence();
      EXPECT_EQ(error.file(), path);
    }
    EXPECT_EQ(got, sentence) << name;
  }
}

}  // namespace
}  // namespace loadpath
