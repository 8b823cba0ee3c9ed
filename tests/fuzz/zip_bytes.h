#ifndef LOADPATH_TESTS_FUZZ_ZIP_BYTES_H_
#define LOADPATH_TESTS_FUZZ_ZIP_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace loadpath::fuzz {

/// A zip archive of stored records as torch.save writes one, checksums right.
std::string ZipOf(std::span<const std::pair<std::string, std::string_view>> records);

/// Puts the right CRC-32 into the directory and the local headers wherever a stored record lies inside the archive, so
/// that what the fuzzer changed is read instead of refused.
void RepairChecksums(std::span<std::uint8_t> archive);

}  // namespace loadpath::fuzz

#endif  // LOADPATH_TESTS_FUZZ_ZIP_BYTES_H_
