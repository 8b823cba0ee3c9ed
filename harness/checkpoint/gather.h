#ifndef LOADPATH_HARNESS_CHECKPOINT_GATHER_H_
#define LOADPATH_HARNESS_CHECKPOINT_GATHER_H_

#include <cstddef>
#include <span>

#include "loadpath/tree.h"

namespace loadpath {

/// Copies the elements of a view that is not empty to `dst`, in row-major order. `src` is the first element.
void Gather(const TensorView& view, const std::byte* src, std::byte* dst);

/// Resolves the view's negative and conjugate bits in `bytes`: whole elements of its dtype, little-endian.
void ResolveBits(const TensorView& view, std::span<std::byte> bytes);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_GATHER_H_
