#ifndef LOADPATH_HARNESS_GOLDEN_COMPARE_H_
#define LOADPATH_HARNESS_GOLDEN_COMPARE_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/golden/manifest.h"

namespace loadpath {

/// torch.testing.assert_close's default tolerances for a dtype (torch/testing/_comparison.py, 2.15).
struct Tolerance {
  double rtol = 0, atol = 0;
};
Tolerance DefaultTolerance(at::ScalarType type);

/// |actual - expected| <= atol + rtol * |expected|, NaN equal to nothing; dtype and shape must be equal.
struct Comparison {
  bool equal = false;
  double greatest_absolute = 0, greatest_relative = 0;
  std::vector<std::int64_t> where;  ///< index of the greatest absolute difference
  std::int64_t mismatched = 0, total = 0;
  std::string sentence;  ///< "largest difference 3.1e-07 at (0, 5), allowed 1e-05 + 1.3e-06 * |expected|"
};
Comparison Compare(const at::Tensor& actual, const at::Tensor& expected, Tolerance tolerance);

/// SHA-256 over the elements in row-major order, little-endian: the manifest's and `ckpt inspect --digest`'s.
std::string Digest(const at::Tensor& tensor);

/// Compares every tensor of the module's state dict with the manifest's hash, bit by bit. Empty: all equal; else one
/// sentence that names the first that differs and how many do.
std::string CheckParameters(const torch::nn::Module& module, const ManifestModel& model);

/// The same of tensors by name. `all`: none of the model's may be missing.
std::string CheckTensors(std::span<const std::pair<std::string, at::Tensor>> tensors, const ManifestModel& model,
                         bool all);

/// The golden inputs and outputs of a batch size, on the CPU.
struct Golden {
  std::vector<at::Tensor> inputs, outputs;
};
Golden ReadGolden(const Manifest& manifest, const ManifestModel& model, std::int64_t batch);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_GOLDEN_COMPARE_H_
