#ifndef LOADPATH_HARNESS_GOLDEN_SAFETENSORS_IO_H_
#define LOADPATH_HARNESS_GOLDEN_SAFETENSORS_IO_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace loadpath {

/// Reads all tensors of a safetensors file, in the file's order, into fresh memory. Throws CheckpointError.
std::vector<std::pair<std::string, at::Tensor>> ReadSafetensors(const std::string& path);

/// Writes contiguous copies of CPU tensors to `path`, through a temporary file beside it and a rename. Tensors that
/// share a storage are written one by one. Throws std::runtime_error with one line that names the file.
void WriteSafetensors(const std::string& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_GOLDEN_SAFETENSORS_IO_H_
