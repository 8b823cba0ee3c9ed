#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <fstream>

#include "harness/golden/compare.h"
#include "harness/golden/safetensors_io.h"

namespace loadpath {
namespace {

class GoldenFileTest : public testing::Test {
 protected:
  GoldenFileTest() : folder_(testing::TempDir() + "golden_file_test") {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ + "/manifest.json") << R"({"schema": 1, "files": {}, "models": {"m": {
      "rtol": 0, "atol": 0, "why": "", "tensors": {}, "goldens": {"2": "m.golden.2.safetensors"}}}})";
  }
  ~GoldenFileTest() override { std::filesystem::remove_all(folder_); }

  std::string ErrorOfReading(std::int64_t batch) {
    const Manifest manifest = Manifest::Read(folder_);
    try {
      ReadGolden(manifest, *manifest.FindModel("m"), batch);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "no error";
  }

  std::string folder_;
  std::string path_ = folder_ + "/m.golden.2.safetensors";
};

TEST_F(GoldenFileTest, KeepsInputsAndOutputsInOrder) {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (int i = 0; i < 12; ++i) tensors.emplace_back("input." + std::to_string(i), at::full({2}, i, at::kFloat));
  tensors.emplace_back("output.1", at::full({2}, 101, at::kDouble));
  tensors.emplace_back("output.0", at::full({2}, 100, at::kLong));
  WriteSafetensors(path_, tensors);
  const Manifest manifest = Manifest::Read(folder_);
  const Golden golden = ReadGolden(manifest, *manifest.FindModel("m"), 2);
  ASSERT_EQ(golden.inputs.size(), 12u);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(golden.inputs[i][0].item<int>(), i);
  ASSERT_EQ(golden.outputs.size(), 2u);
  EXPECT_EQ(golden.outputs[0][1].item<int>(), 100);
  EXPECT_EQ(golden.outputs[1][1].item<int>(), 101);
}

TEST_F(GoldenFileTest, SaysWhichFileIsWrongAndHow) {
  EXPECT_EQ(ErrorOfReading(3), folder_ + "/manifest.json: has no golden for batch size 3");
  EXPECT_TRUE(ErrorOfReading(2).starts_with(path_ + ": ")) << ErrorOfReading(2);
  WriteSafetensors(path_, {{"input.0", at::ones({1})}});
  EXPECT_EQ(ErrorOfReading(2), path_ + ": has no inputs or no outputs");
  WriteSafetensors(path_, {{"input.0", at::ones({1})}, {"output.0", at::ones({1})}, {"output.2", at::ones({1})}});
  EXPECT_EQ(ErrorOfReading(2), path_ + ": has a tensor \"output.2\" that is neither an input nor an output");
}

}  // namespace
}  // namespace loadpath
