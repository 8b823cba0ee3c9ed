#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include "harness/golden/compare.h"
#include "loadpath/module_info.h"

namespace loadpath {
namespace {

// Returns the manifest entry of a module, made from the module itself.
ManifestModel Describe(const torch::nn::Module& module) {
  ManifestModel model;
  const auto add = [&](const auto& item) {
    model.tensors[item.key()] = {item.value().scalar_type() == at::kLong ? "int64" : "float32",
                                 item.value().sizes().vec(), Digest(item.value())};
  };
  for (const auto& item : module.named_parameters()) add(item);
  for (const auto& item : module.named_buffers()) add(item);
  return model;
}

TEST(Digest, IsOverRowMajorElements) {
  // sha256sum of the bytes 00 01 02 03 04 05
  EXPECT_EQ(Digest(at::arange(6, at::kByte).view({2, 3})),
            "17e88db187afd62c16e5debf3e6527cd006bc012bc90b51a810cd80c2d511f43");
  const at::Tensor transposed = at::arange(6, at::kFloat).view({2, 3}).t();
  EXPECT_EQ(Digest(transposed), Digest(transposed.contiguous()));
  EXPECT_NE(Digest(transposed), Digest(transposed.t()));
  EXPECT_EQ(Digest(at::ones({1}).expand({3, 4})), Digest(at::ones({3, 4})));
}

TEST(Digest, ResolvesConjugationAndNegation) {
  const at::Tensor value = at::complex(at::arange(3, at::kFloat), at::arange(3, at::kFloat));
  EXPECT_EQ(Digest(value.conj()), Digest(value.conj().resolve_conj()));
  EXPECT_EQ(Digest(at::imag(value.conj())), Digest(-at::arange(3, at::kFloat)));
}

TEST(Digest, DiffersForBitsThatCompareEqual) { EXPECT_NE(Digest(at::zeros({1})), Digest(-at::zeros({1}))); }

TEST(CheckParameters, AcceptsTheReferencesBits) {
  torch::nn::BatchNorm1d module(3);
  EXPECT_EQ(CheckParameters(*module, Describe(*module)), "");
}

TEST(CheckParameters, NamesTheFirstThatDiffersAndCounts) {
  torch::nn::BatchNorm1d module(3);
  const ManifestModel model = Describe(*module);
  {
    torch::NoGradGuard no_grad;
    module->bias[1] = 1e-30;
    module->num_batches_tracked += 1;
  }
  EXPECT_EQ(CheckParameters(*module, model), "\"bias\" does not have the reference's bits (2 of 5 tensors are wrong)");
}

TEST(CheckParameters, NamesAWrongShapeOrDtype) {
  torch::nn::Linear module(3, 2);
  ManifestModel model = Describe(*module);
  model.tensors["weight"].shape = {3, 2};
  EXPECT_EQ(CheckParameters(*module, model),
            "\"weight\" is float32 [2, 3], the reference float32 [3, 2] (1 of 2 tensors are wrong)");
  model = Describe(*module);
  model.tensors["bias"].dtype = "float64";
  EXPECT_EQ(CheckParameters(*module, model),
            "\"bias\" is float32 [2], the reference float64 [2] (1 of 2 tensors are wrong)");
}

TEST(CheckParameters, NamesATensorThatIsOnOneSideOnly) {
  torch::nn::Linear module(3, 2), without_bias(torch::nn::LinearOptions(3, 2).bias(false));
  EXPECT_EQ(CheckParameters(*without_bias, Describe(*module)),
            "\"weight\" does not have the reference's bits (2 of 2 tensors are wrong)");
  ManifestModel model = Describe(*without_bias);
  EXPECT_EQ(CheckParameters(*without_bias, model), "");
  model.tensors["extra"] = {"float32", {1}, ""};
  EXPECT_EQ(CheckParameters(*without_bias, model),
            "\"extra\" is in the reference, but not in the module (1 of 2 tensors are wrong)");
  model = Describe(*module);
  model.tensors.erase("bias");
  EXPECT_EQ(CheckParameters(*module, model),
            "\"bias\" is in the module, but not in the reference (1 of 1 tensors are wrong)");
}

struct WithPrivateBuffer : torch::nn::Module, ModuleInfo {
  WithPrivateBuffer() {
    register_buffer("saved", at::ones({2}));
    register_buffer("scratch", at::ones({2}));
    non_persistent = {"scratch"};
  }
};

TEST(CheckParameters, IgnoresNonPersistentBuffers) {
  WithPrivateBuffer module;
  ManifestModel model = Describe(module);
  model.tensors.erase("scratch");
  EXPECT_EQ(CheckParameters(module, model), "");
}

}  // namespace
}  // namespace loadpath
