#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_SAFETENSORS_SAFETENSORS_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_SAFETENSORS_SAFETENSORS_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "harness/checkpoint/formats/single_file.h"

namespace loadpath {

/// Returns true if the header's first byte is "{".
bool IsSafetensors(std::string_view head);

/// Returns true if a file of `size` bytes that begins with `head` has room for such a header: its length may look like
/// the first bytes of another kind of file, but those go on in another way.
bool HoldsSafetensors(std::string_view head, std::uint64_t size);

std::shared_ptr<const SingleFile> OpenSafetensors(std::unique_ptr<FileSource> file, const OpenOptions& options);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_SAFETENSORS_SAFETENSORS_H_
