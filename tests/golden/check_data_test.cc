#include "harness/golden/check_data.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "harness/golden/safetensors_io.h"

namespace loadpath {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A file "abc", a folder of the files "b/c" and "a" with "abc" in each, and one golden.
class CheckDataTest : public testing::Test {
 protected:
  CheckDataTest() : folder_(testing::TempDir() + "check_data." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_ + "/dir/b");
    for (const char* name : {"/file.pth", "/dir/a", "/dir/b/c"}) Write(name, "abc");
    WriteSafetensors(folder_ + "/golden", {{"input.0", at::ones({1})}, {"output.0", at::ones({1})}});
    // sha256sum prints both: of "abc", and of its own two lines about the files in the folder.
    const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const std::string dir = "8660b792718f83a4ec3df1bcbcd0661de766514ce428218d2441f3bf547809c0";
    Write("/manifest.json", R"({"schema": 1, "files": {
      "file.pth": {"format": "zip", "layout": "bare", "size": 3, "sha256": ")" +
                                abc + R"(", "made": "", "models": [{"model": "net", "key": ""}]},
      "dir": {"format": "dcp", "layout": "bare", "size": 6, "sha256": ")" +
                                dir + R"(", "made": "", "models": [{"model": "net", "key": ""}]}},
      "models": {"net": {"rtol": 0, "atol": 0, "why": "", "tensors": {}, "goldens": {"1": "golden"}}},
      "not_made": {"x": {"model": "net", "format": "pt2", "layout": "bare", "reason": "it cannot be exported"}}})");
  }
  ~CheckDataTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) { std::ofstream(folder_ + name) << text; }
  DataCheck Check(const std::vector<std::int64_t>& batches = {1}) const {
    return CheckOne({"net", batches, [](std::int64_t) { return std::vector{at::ones({1})}; }});
  }
  DataCheck CheckOne(const CheckedModel& model) const { return CheckData(Manifest::Read(folder_), {&model, 1}); }
  std::string InputProblem(const std::vector<at::Tensor>& inputs) const {
    const DataCheck check = CheckOne({"net", {1}, [&](std::int64_t) { return inputs; }});
    return check.problems.empty() ? "" : check.problems[0];
  }

  std::string folder_;
};

TEST_F(CheckDataTest, WholeDataHaveNoProblem) {
  const DataCheck check = Check();
  EXPECT_THAT(check.problems, IsEmpty());
  EXPECT_EQ(check.files, 2U);
  EXPECT_EQ(check.goldens, 1U);
  EXPECT_THAT(check.not_made, ElementsAre("pt2/bare of net: it cannot be exported"));
}

TEST_F(CheckDataTest, EveryChangeIsNamed) {
  Write("/file.pth", "abd");
  Write("/dir/more", "x");
  EXPECT_THAT(Check().problems,
              ElementsAre(folder_ + "/dir: is not the file that the manifest describes (7 bytes, not 6)",
                          folder_ + "/file.pth: is not the file that the manifest describes (its SHA-256 differs)"));
  std::filesystem::remove(folder_ + "/file.pth");
  std::filesystem::rename(folder_ + "/dir/more", folder_ + "/elsewhere");
  EXPECT_THAT(Check().problems, ElementsAre(folder_ + "/file.pth: is in the manifest, and not there"));
}

TEST_F(CheckDataTest, TheModelsAreThoseOfTheProgram) {
  const std::string manifest = folder_ + "/manifest.json: ";
  for (const std::vector<std::int64_t>& batches : {std::vector<std::int64_t>{8, 1}, {8}}) {
    EXPECT_THAT(Check(batches).problems, ElementsAre(manifest + "the batches of net are 1 in Python, and in C++ " +
                                                     (batches.size() == 2 ? "1, 8" : "8") + ": make them the same"));
  }
  EXPECT_THAT(CheckOne({"other", {1}, {}}).problems, ElementsAre(manifest + "has no model other"));
}

TEST_F(CheckDataTest, TheExampleInputsArePythons) {
  EXPECT_EQ(InputProblem({at::ones({1})}), "");
  const std::string where = folder_ + "/golden: net, batch 1: ";
  EXPECT_EQ(InputProblem({at::zeros({1})}),
            where +
                "example input 0 is not Python's: 1 of 1 elements differ: largest difference 1 at (0,) (0, expected "
                "1), allowed 0 + 0 * |expected|");
  EXPECT_EQ(InputProblem({at::ones({2})}), where + "example input 0 is not Python's: shape (2,), expected (1,)");
  EXPECT_EQ(InputProblem({}), where + "0 example inputs, Python's are 1");
}

}  // namespace
}  // namespace loadpath
