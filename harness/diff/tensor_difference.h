#ifndef LOADPATH_HARNESS_DIFF_TENSOR_DIFFERENCE_H_
#define LOADPATH_HARNESS_DIFF_TENSOR_DIFFERENCE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/diff/tolerance.h"
#include "loadpath/dtype.h"

namespace loadpath {

/// How two tensors of one key, shape and dtype differ. Indices have one number per dimension. How far NaN is from a
/// number cannot be measured: such elements are counted apart.
struct TensorDifference {
  std::string key;
  std::uint64_t elements = 0, differing = 0;
  std::int64_t first = 0;                ///< position of the first that differs, in row-major order
  double largest = 0;                    ///< the largest |wanted - have|; 0 if only NaN or the sign of 0 differs
  std::vector<std::int64_t> largest_at;  ///< its index; empty for a tensor of no dimensions
  double relative = 0;  ///< the largest |wanted - have| / |wanted|; infinite if `wanted` is infinite or 0
  std::vector<std::int64_t> relative_at;
  std::uint64_t nan = 0;  ///< of `differing`: NaN on one side, a number on the other
};

/// Counts the elements that differ: bit by bit, or with a tolerance by more than atol + rtol * |wanted|, the rule of
/// torch.testing.assert_close, in exact arithmetic. Then infinities are close to themselves alone, and NaN to NaN.
/// float4_e2m1fn_x2 is always compared bit by bit. `wanted` and `have` hold the elements in row-major order,
/// little-endian, and have the same size.
TensorDifference MeasureDifference(std::span<const std::byte> wanted, std::span<const std::byte> have, Dtype dtype,
                                   std::span<const std::int64_t> shape, const std::optional<Tolerance>& tolerance);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_TENSOR_DIFFERENCE_H_
