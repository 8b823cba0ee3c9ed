#include "harness/suite/reference_source.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "harness/golden/safetensors_io.h"

namespace loadpath {
namespace {

TEST(FilesOf, AFolderOfShardsIsItsIndexAndEveryShard) {
  const auto folder = std::filesystem::absolute("files_of_test." + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  std::vector<std::string> expected;
  for (const char* name : {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}) {
    expected.push_back(std::filesystem::canonical(folder) / name);
    WriteSafetensors(expected.back(), {{std::string("in ") + name, at::ones({3})}});
  }
  expected.push_back(std::filesystem::canonical(folder) / "model.safetensors.index.json");
  std::ofstream(expected.back()) << R"({"metadata": {"total_size": 24}, "weight_map": {
    "in model-00001-of-00002.safetensors": "model-00001-of-00002.safetensors",
    "in model-00002-of-00002.safetensors": "model-00002-of-00002.safetensors"}})";
  EXPECT_THAT(FilesOf(*Checkpoint::Open(folder.string())), testing::UnorderedElementsAreArray(expected));
  std::filesystem::remove_all(folder);
}

TEST(LoadBy, ARefusalOfAFileThatMustLoadIsAnError) {
  const LoadPath refuses{.name = "refuses", .summary = "", .limit = "", .load = [](const LoadRequest&) -> LoadResult {
                           throw Skipped("no");
                         }};
  torch::nn::Module module;
  const LoadRequest request{.file = "file", .module = module};
  EXPECT_THROW(LoadBy(refuses, request, /*must_load=*/false), Skipped);
  try {
    LoadBy(refuses, request, /*must_load=*/true);
    FAIL() << "nothing was thrown";
  } catch (const Skipped&) {
    FAIL() << "it counts as skipped";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "no (refuses is expected to load this format)");
  }
}

}  // namespace
}  // namespace loadpath
