#ifndef LOADPATH_TESTS_FUZZ_READ_EVERYTHING_H_
#define LOADPATH_TESTS_FUZZ_READ_EVERYTHING_H_

#include <cstdint>
#include <span>
#include <string>

namespace loadpath::fuzz {

/// Opens a checkpoint, walks its whole tree, reads every tensor and storage of a sane size in several ways and compares
/// them. Whatever the bytes say: either all of that holds, or one CheckpointError with one printable line that names
/// the file. Anything else aborts.
void ReadEverything(const std::string& path, bool opaque);
/// The same, of a file whose bytes are in memory.
void ReadEverything(std::span<const std::uint8_t> bytes, bool opaque);

}  // namespace loadpath::fuzz

#endif  // LOADPATH_TESTS_FUZZ_READ_EVERYTHING_H_
