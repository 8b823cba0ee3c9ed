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
    return CheckData(Manifest::Read(folder_), {{"net", batches}});
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
  EXPECT_THAT(Check({1, 8}).problems, ElementsAre(folder_ + "/manifest.json: has no golden for batch size 8"));
  EXPECT_THAT(CheckData(Manifest::Read(folder_), {{"other", {1}}}).problems,
              ElementsAre(folder_ + "/manifest.json: has no model other"));
}

}  // namespace
}  // namespace loadpath
