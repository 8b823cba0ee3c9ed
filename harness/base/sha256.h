#ifndef LOADPATH_HARNESS_BASE_SHA256_H_
#define LOADPATH_HARNESS_BASE_SHA256_H_

#include <cstddef>
#include <span>
#include <string>

namespace loadpath {

/// Sets OpenSSL up, which Sha256 does by itself at its first call. To be called before memory is filled: OpenSSL 3.0
/// does not survive that it has none for its own locks. Throws std::runtime_error where it has no SHA-256.
void PrepareSha256();

/// SHA-256 of the bytes, as 64 lower-case hexadecimal digits.
std::string Sha256(std::span<const std::byte> bytes);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_SHA256_H_
