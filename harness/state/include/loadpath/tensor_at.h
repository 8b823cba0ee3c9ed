#ifndef LOADPATH_TENSOR_AT_H_
#define LOADPATH_TENSOR_AT_H_

#include <ATen/core/Tensor.h>

#include <string_view>

#include "loadpath/checkpoint.h"

namespace loadpath {

/// Returns the tensor at a key path (see FollowKeyPath), "golden.y" or "optimizer.state.0.exp_avg", in memory of its
/// own: on the CPU, row-major, with the file's dtype and shape, without a gradient. Throws CheckpointError kKeyPath if
/// the path leads nowhere or to a value that is no dense tensor, kUnsupported for a dtype that this LibTorch does not
/// have, and what ReadTensor throws.
at::Tensor TensorAt(const Checkpoint& checkpoint, std::string_view key_path, const ReadOptions& options = {});

}  // namespace loadpath

#endif  // LOADPATH_TENSOR_AT_H_
