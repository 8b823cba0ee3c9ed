#ifndef LOADPATH_HARNESS_CHECKPOINT_READ_BYTE_SWAP_H_
#define LOADPATH_HARNESS_CHECKPOINT_READ_BYTE_SWAP_H_

#include <cstddef>
#include <span>

#include "loadpath/dtype.h"

namespace loadpath {

/// Reverses the bytes of every element in place; of a complex one, those of each half. Bytes behind the last whole
/// element are left.
void SwapBytes(std::span<std::byte> bytes, Dtype dtype);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_READ_BYTE_SWAP_H_
