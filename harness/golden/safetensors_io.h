#ifndef LOADPATH_HARNESS_GOLDEN_SAFETENSORS_IO_H_
#define LOADPATH_HARNESS_GOLDEN_SAFETENSORS_IO_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace loadpath {

/// Tensors of a safetensors file by name, in fresh memory, in the file's order. Throws CheckpointError.
std::vector<std::pair<std::string, at::Tensor>> ReadSafetensors(const std::string& path);

/// Writes contiguous copies of CPU tensors to `path` by way of a temporary file beside it and a rename. Throws
/// std::runtime_error with one line that names the file. Shared storages are written once per tensor.
void WriteSafetensors(const std::string& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_GOLDEN_SAFETENSORS_IO_H_
