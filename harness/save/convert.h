#ifndef LOADPATH_BENCH_CKPT_CONVERT_H_
#define LOADPATH_BENCH_CKPT_CONVERT_H_

#include <string>

#include "bench/ckpt/options.h"

namespace loadpath::ckpt {

/// `ckpt convert FILE OUT`: the state dict at the key as a safetensors file, which appears under its name only after
/// every tensor was read back from it and equals the one in FILE. safetensors has no shared storages, strides,
/// conjugate or negative bits: each tensor is written whole, in row-major order.
///
/// Returns the report, as text or as JSON: {"file", "format", "key", "output", "tensors", "bytes", "aliases": [{"name",
/// "of", "equal", "written"}], "left_out": [paths of what is no tensor], "seconds"}. Throws CheckpointError,
/// UsageError.
std::string Convert(const ConvertOptions& options);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_CONVERT_H_
