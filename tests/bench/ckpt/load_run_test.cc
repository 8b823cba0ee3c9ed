#include "bench/ckpt/load_run.h"

#include <gtest/gtest.h>

#include "tests/inspect/pickles.h"

namespace loadpath::ckpt {
namespace {

using namespace pickles;

TEST(LoadRunTest, CountsWhatThePathPlannedAsParseAndNothingElse) {
  const MemoryFile file(File(
      Dict({{"linear.weight", Tensor("0", 20, 0, {2, 10}, {10, 1})}, {"linear.bias", Tensor("1", 2, 0, {2}, {1})}}),
      {{"0", std::vector<float>(20, 0.5F)}, {"1", {1, 2}}}));
  LoadPath path = *FindLoadPath("copy");
  path.load = [](const LoadRequest& request) {
    LoadResult result = FindLoadPath("copy")->load(request);
    result.seconds.plan = 0x1p-30;  // less than reading any state dict takes
    return result;
  };
  LoadOptions options;
  options.file = ParseFileAndKey(file.path());
  options.model = "linear";
  const LoadRecord record = Load(*FindModel("linear"), path, at::kCPU, options);
  EXPECT_TRUE(record.errors.empty());
  EXPECT_EQ(record.bytes, 88);
  EXPECT_EQ(record.seconds.parse, 0x1p-30);
}

}  // namespace
}  // namespace loadpath::ckpt
