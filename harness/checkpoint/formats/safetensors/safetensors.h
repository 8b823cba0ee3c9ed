#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_SAFETENSORS_SAFETENSORS_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_SAFETENSORS_SAFETENSORS_H_

#include <memory>
#include <string_view>

#include "harness/checkpoint/formats/single_file.h"

namespace loadpath {

/// Returns true if the header's first byte is "{".
bool IsSafetensors(std::string_view head);

std::shared_ptr<const SingleFile> OpenSafetensors(std::unique_ptr<FileSource> file, const OpenOptions& options);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_SAFETENSORS_SAFETENSORS_H_
