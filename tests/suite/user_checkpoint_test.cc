#include "harness/suite/user_checkpoint.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "harness/golden/safetensors_io.h"

namespace loadpath {
namespace {

class OneTensor : public torch::nn::Module {
 public:
  explicit OneTensor(const at::Tensor& tensor) { register_buffer("w", tensor); }
};

class CheckAgainstFileTest : public testing::Test {
 protected:
  CheckAgainstFileTest() {
    const std::string file = "user_checkpoint_test." + std::to_string(getpid()) + ".safetensors";
    WriteSafetensors(file, {{"w", in_file_}});
    state_dict_ = StateDict::From(Checkpoint::Open(file));
    std::filesystem::remove(file);
  }
  std::string Check(const at::Tensor& loaded, at::ScalarType constructed) {
    return CheckAgainstFile(*state_dict_, OneTensor(loaded), {{"w", constructed}});
  }

  const at::Tensor in_file_ = at::arange(6).to(at::kHalf) / 7;
  std::optional<StateDict> state_dict_;
};

TEST_F(CheckAgainstFileTest, TheSameBitsAreRight) { EXPECT_EQ(Check(in_file_.clone(), at::kHalf), ""); }

TEST_F(CheckAgainstFileTest, ACastToTheModulesDtypeIsRight) {
  EXPECT_EQ(Check(in_file_.to(at::kFloat), at::kFloat), "");
  EXPECT_EQ(Check(in_file_.clone(), at::kFloat), "") << "assigned, not copied";
}

TEST_F(CheckAgainstFileTest, OtherValuesAreWrong) {
  EXPECT_EQ(Check(in_file_.to(at::kFloat) + 1e-3, at::kFloat), "w differs from the file");
}

TEST_F(CheckAgainstFileTest, ADtypeThatNeitherHasIsWrong) {
  EXPECT_THAT(Check(in_file_.to(at::kDouble), at::kFloat), testing::HasSubstr("neither the file nor the model has"));
}

}  // namespace
}  // namespace loadpath
