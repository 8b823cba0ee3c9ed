#ifndef LOADPATH_HARNESS_INSPECT_DIGEST_H_
#define LOADPATH_HARNESS_INSPECT_DIGEST_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "loadpath/checkpoint.h"

namespace loadpath {

/// Runs work(0) … work(sizes.size() - 1), the largest size first, on one thread per core that this process may use. The
/// first exception stops the rest and is thrown on.
void ForEachLargestFirst(std::span<const std::uint64_t> sizes, const std::function<void(std::size_t)>& work);

/// Throws CheckpointError kLimitExceeded if these tensors, to be read one by one, overlap more often than
/// limits::kViewsRatio allows. One of a compressed storage costs the whole of it.
void LimitViews(const Checkpoint& checkpoint, std::span<const TensorPath> tensors);

/// Returns for each tensor the position of the first one that is the same view of the same storage, as tied weights
/// are; its own position if it is the first.
std::vector<std::size_t> FirstOfEqualViews(const Tree& tree, std::span<const TensorPath> tensors);

/// Returns the SHA-256 of every tensor, in order, in lower-case hexadecimal. Equal views of a storage (tied weights)
/// are read once. Holds one tensor per thread in memory. Keeps freed memory in the process from then on (mallopt).
std::vector<std::string> DigestTensors(const Checkpoint& checkpoint, std::span<const TensorPath> tensors, CrcMode crc);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_DIGEST_H_
