#ifndef LOADPATH_BENCH_CKPT_PRINT_H_
#define LOADPATH_BENCH_CKPT_PRINT_H_

#include <string>
#include <string_view>

#include "harness/checkpoint/checkpoint.h"

namespace loadpath::ckpt {

/// `ckpt inspect --print KEY`: what a tensor is, the range of its elements, and the elements as PyTorch prints them; a
/// value in Python's words. Throws CheckpointError.
std::string PrintKey(const Checkpoint& checkpoint, std::string_view key_path, CrcMode crc);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_PRINT_H_
