#ifndef LOADPATH_HARNESS_INSPECT_DIGEST_H_
#define LOADPATH_HARNESS_INSPECT_DIGEST_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "harness/checkpoint/checkpoint.h"

namespace loadpath::ckpt {

/// Runs work(0) … work(sizes.size() - 1), the largest first, on one thread per core that this process may use. The
/// first exception stops the rest and is thrown again here.
void ForEachLargestFirst(std::span<const std::uint64_t> sizes, const std::function<void(std::size_t)>& work);

/// Of each tensor the number of the first one in the list that is the same view of the same storage, as tied weights
/// are: its own where it is the first.
std::vector<std::size_t> FirstOfEqualViews(const Tree& tree, std::span<const TensorPath> tensors);

/// SHA-256 of every tensor, in order; equal views of a storage (tied weights) are read once. Holds one tensor per
/// thread.
std::vector<std::string> DigestTensors(const Checkpoint& checkpoint, std::span<const TensorPath> tensors, CrcMode crc);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_HARNESS_INSPECT_DIGEST_H_
