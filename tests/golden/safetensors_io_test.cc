#include "harness/golden/safetensors_io.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <fstream>

#include "harness/base/error.h"
#include "harness/golden/compare.h"
#include "harness/state/scalar_type.h"
#include "tests/golden/run_python.h"

namespace loadpath {
namespace {

using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

class SafetensorsTest : public testing::Test {
 protected:
  SafetensorsTest()
      : folder_(testing::TempDir() + "safetensors." + testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::create_directories(folder_);
  }
  ~SafetensorsTest() override { std::filesystem::remove_all(folder_); }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  static std::string ErrorOfWriting(const std::string& path, const Tensors& tensors) {
    try {
      WriteSafetensors(path, tensors);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "no error";
  }

  std::string folder_;
};

// Returns a tensor of every dtype that the format has, a scalar, an empty one and views, with names in no order.
Tensors Examples() {
  Tensors tensors;
  for (auto type :
       {at::kBool, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kUInt16, at::kUInt32, at::kUInt64,
        at::kHalf, at::kBFloat16, at::kFloat, at::kDouble, at::kComplexFloat, at::kFloat8_e4m3fn, at::kFloat8_e4m3fnuz,
        at::kFloat8_e5m2, at::kFloat8_e5m2fnuz, at::kFloat8_e8m0fnu}) {
    tensors.emplace_back(c10::toString(type), at::arange(1, 4, at::kFloat).to(type));
  }
  const at::Tensor matrix = at::arange(6, at::kFloat).view({2, 3});
  tensors.emplace_back("transposed", matrix.t());
  tensors.emplace_back("sliced", matrix.slice(1, 1, 3));
  tensors.emplace_back("scalar", at::scalar_tensor(2.5));
  tensors.emplace_back("empty", at::zeros({0, 4}));
  tensors.emplace_back("name with \"quotes\", \xc3\xa9 and \n", at::ones({1}));
  return tensors;
}

TEST_F(SafetensorsTest, ReadsWhatItWrote) {
  const Tensors written = Examples();
  WriteSafetensors(Path("a.safetensors"), written);
  const Tensors read = ReadSafetensors(Path("a.safetensors"));
  ASSERT_EQ(read.size(), written.size());
  for (const auto& [name, tensor] : read) {
    const auto found =
        std::find_if(written.begin(), written.end(), [&](const auto& item) { return item.first == name; });
    ASSERT_NE(found, written.end()) << name;
    EXPECT_EQ(tensor.scalar_type(), found->second.scalar_type()) << name;
    EXPECT_EQ(tensor.sizes(), found->second.sizes()) << name;
    EXPECT_EQ(Digest(tensor), Digest(found->second)) << name;
  }
}

TEST_F(SafetensorsTest, TheFilesBytesAreThoseOfTheReferenceImplementation) {
  WriteSafetensors(Path("ours.safetensors"), Examples());
  // The reference implementation reads the file and writes the same one again.
  RunPython("-c 'import sys, safetensors.torch as s; s.save_file(s.load_file(sys.argv[1]), sys.argv[2])' " +
            Path("ours.safetensors") + " " + Path("theirs.safetensors"));
  const auto bytes = [&](const char* name) {
    std::ifstream stream(Path(name), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  EXPECT_EQ(bytes("ours.safetensors"), bytes("theirs.safetensors"));
}

TEST_F(SafetensorsTest, RefusesTensorsThatTheFormatCannotHold) {
  const std::string path = Path("a.safetensors");
  EXPECT_EQ(ErrorOfWriting(path, {{"a", at::zeros({1}, at::kComplexDouble)}}),
            path + ": safetensors has no dtype for ComplexDouble");
  EXPECT_EQ(ErrorOfWriting(path, {{"a", at::zeros({1})}, {"a", at::zeros({2})}}),
            path + ": two tensors are named \"a\"");
  EXPECT_EQ(ErrorOfWriting(path, {{"__metadata__", at::zeros({1})}}),
            path + ": a tensor cannot be named __metadata__ in safetensors");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(SafetensorsTest, AFailedWriteLeavesTheOldFileAndNothingElse) {
  EXPECT_EQ(ErrorOfWriting(Path("nosuch/a.safetensors"), {}),
            Path("nosuch/a.safetensors") + ": cannot be written: No such file or directory");
  std::filesystem::create_directories(Path("folder.safetensors/inside"));
  EXPECT_EQ(ErrorOfWriting(Path("folder.safetensors"), {{"a", at::zeros({1})}}),
            Path("folder.safetensors") + ": cannot be written: Is a directory");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(SafetensorsTest, RefusesToReadAnotherFormat) {
  const std::string path = Path("a.safetensors");
  RunPython("-c 'import sys, torch; torch.save({}, sys.argv[1])' " + path);
  try {
    ReadSafetensors(path);
    FAIL();
  } catch (const CheckpointError& error) {
    EXPECT_EQ(std::string(error.what()),
              path + ": is zip, not safetensors; write it by safetensors.torch.save_file, or by ckpt convert");
  }
}

}  // namespace
}  // namespace loadpath
