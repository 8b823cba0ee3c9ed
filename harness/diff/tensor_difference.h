#ifndef LOADPATH_HARNESS_DIFF_TENSOR_DIFFERENCE_H_
#define LOADPATH_HARNESS_DIFF_TENSOR_DIFFERENCE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/checkpoint/dtype.h"

namespace loadpath::ckpt {

/// How far an element may be from the wanted one: |wanted - have| <= absolute + relative * |wanted|, the rule of
/// torch.testing.assert_close, in exact arithmetic. Infinities are close to themselves alone, NaN to NaN. Elements that
/// are equal bit by bit are always close; of bool and float4_e2m1fn_x2 no others are.
struct Tolerance {
  double relative = 0, absolute = 0;
};

/// A tensor that both sides have under one key and one shape and dtype, with other bytes. Indices have one number per
/// dimension. NaN differs from a number by nothing that could be measured.
struct TensorDifference {
  std::string key;
  std::uint64_t elements = 0, differing = 0;
  std::int64_t first = 0;                ///< the first that differs, counted in row-major order
  double largest = 0;                    ///< the largest |wanted - have|; 0 where only NaNs or the sign of 0 differ
  std::vector<std::int64_t> largest_at;  ///< where it is; empty for a tensor of no dimensions
  double relative = 0;                   ///< the largest |wanted - have| / |wanted|
  std::vector<std::int64_t> relative_at;
};

/// Counts the elements that differ: bit by bit, or by more than `tolerance`. `wanted` and `have` are the elements in
/// row-major order, little-endian, of the same size.
TensorDifference MeasureDifference(std::span<const std::byte> wanted, std::span<const std::byte> have, Dtype dtype,
                                   std::span<const std::int64_t> shape, const std::optional<Tolerance>& tolerance);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_HARNESS_DIFF_TENSOR_DIFFERENCE_H_
