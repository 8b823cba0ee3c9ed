#ifndef LOADPATH_HARNESS_INSPECT_PRINT_KEY_H_
#define LOADPATH_HARNESS_INSPECT_PRINT_KEY_H_

#include <string>
#include <string_view>

#include "loadpath/checkpoint.h"

namespace loadpath {

/// Returns what stands at a key path, for people. For a tensor: its dtype, shape and place, the range of its elements,
/// and the elements as PyTorch prints them. For any other value: the value in Python's words. Throws CheckpointError.
std::string PrintKey(const Checkpoint& checkpoint, std::string_view key_path, CrcMode crc);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_PRINT_KEY_H_
