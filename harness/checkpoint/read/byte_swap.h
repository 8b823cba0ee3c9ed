#ifndef LOADPATH_HARNESS_CHECKPOINT_READ_BYTE_SWAP_H_
#define LOADPATH_HARNESS_CHECKPOINT_READ_BYTE_SWAP_H_

#include <cstddef>
#include <span>

#include "harness/checkpoint/dtype.h"

namespace loadpath {

/// Reverses the bytes of every element (of both halves of a complex one) in place. A rest shorter than an element is
/// left.
void SwapBytes(std::span<std::byte> bytes, Dtype dtype);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_READ_BYTE_SWAP_H_
