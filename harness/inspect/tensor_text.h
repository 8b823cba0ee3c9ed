#ifndef LOADPATH_HARNESS_INSPECT_TENSOR_TEXT_H_
#define LOADPATH_HARNESS_INSPECT_TENSOR_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "loadpath/dtype.h"

namespace loadpath {

/// Returns str(tensor) of PyTorch with its default print options (torch/_tensor_str.py, 2.15): 4 digits, 3 elements at
/// each edge of a tensor of more than 1000, lines of 80 characters. `elements` are in row-major order. The text is
/// ASCII.
std::string TensorText(std::span<const std::byte> elements, Dtype dtype, std::span<const std::int64_t> shape);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_TENSOR_TEXT_H_
