#ifndef LOADPATH_HARNESS_BASE_SHA256_H_
#define LOADPATH_HARNESS_BASE_SHA256_H_

#include <cstddef>
#include <span>
#include <string>

#include "harness/base/file_source.h"

namespace loadpath {

/// Initialises OpenSSL. Sha256() does this on first use; call it earlier if memory may run out, because OpenSSL 3.0
/// crashes if it cannot allocate its own locks. Throws std::runtime_error if OpenSSL has no SHA-256.
void PrepareSha256();

/// Returns the SHA-256 of the bytes as 64 lower-case hexadecimal digits.
std::string Sha256(std::span<const std::byte> bytes);
/// Of a whole file, in pieces. Throws what ReadAt throws.
std::string Sha256(const FileSource& file);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_SHA256_H_
