#ifndef LOADPATH_HARNESS_CHECKPOINT_SHA256_H_
#define LOADPATH_HARNESS_CHECKPOINT_SHA256_H_

#include <cstddef>
#include <span>
#include <string>

namespace loadpath {

/// SHA-256 of the bytes, as 64 lower-case hexadecimal digits.
std::string Sha256(std::span<const std::byte> bytes);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_SHA256_H_
