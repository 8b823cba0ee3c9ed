#ifndef LOADPATH_HARNESS_CHECKPOINT_READ_INFLATE_H_
#define LOADPATH_HARNESS_CHECKPOINT_READ_INFLATE_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace loadpath {

/// Inflates raw deflate (RFC 1951). Returns true if all of `compressed` gives exactly dst.size() bytes.
bool Inflate(std::span<const std::byte> compressed, std::span<std::byte> dst);

/// Returns CRC-32 as zip uses it, continued from `crc` (0 to start).
std::uint32_t Crc32(std::uint32_t crc, std::span<const std::byte> bytes);

/// Returns the CRC-32 of A followed by B, from those of A and B and the length of B.
std::uint32_t CombineCrc32(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_READ_INFLATE_H_
