#ifndef LOADPATH_HARNESS_GOLDEN_COMPARE_H_
#define LOADPATH_HARNESS_GOLDEN_COMPARE_H_

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/diff/tolerance.h"
#include "harness/golden/manifest.h"

namespace loadpath {

/// Returns torch.testing.assert_close's default tolerance for a dtype (torch/testing/_comparison.py, 2.15).
Tolerance DefaultTolerance(at::ScalarType type);

struct Comparison {
  bool equal = false;
  double greatest_absolute = 0, greatest_relative = 0;
  std::vector<std::int64_t> where;  ///< the index of the greatest absolute difference
  std::int64_t mismatched = 0, total = 0;
  std::string sentence;  ///< "largest difference 3.1e-07 at (0, 5), allowed 1e-05 + 1.3e-06 * |expected|"
};
/// Compares by the rule of Tolerance. Dtype and shape must be equal; NaN is equal to nothing.
Comparison Compare(const at::Tensor& actual, const at::Tensor& expected, Tolerance tolerance);

/// Returns the SHA-256 over the elements in row-major order, little-endian, as in the manifest and in
/// `ckpt inspect --digest`.
std::string Digest(const at::Tensor& tensor);

/// Compares every tensor of the module's state dict with the manifest's hash. Returns an empty text if all are equal
/// bit by bit, else one sentence that names the first that differs and how many do.
std::string CheckParameters(const torch::nn::Module& module, const ManifestModel& model);

/// Does the same for tensors by name. If `all` is true, none of the model's may be missing.
std::string CheckTensors(std::span<const std::pair<std::string, at::Tensor>> tensors, const ManifestModel& model,
                         bool all);

struct Golden {
  std::vector<at::Tensor> inputs, outputs;
};
/// Reads the golden inputs and outputs of a batch size to the CPU. Throws std::runtime_error with one line that names
/// the file.
Golden ReadGolden(const Manifest& manifest, const ManifestModel& model, std::int64_t batch);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_GOLDEN_COMPARE_H_
