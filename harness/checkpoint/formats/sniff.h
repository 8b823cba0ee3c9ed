#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_SNIFF_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_SNIFF_H_

#include <cstdint>

#include "harness/base/file_source.h"

namespace loadpath {

enum class FileKind : std::uint8_t {
  kZip,
  kLegacy,
  kSafetensors,
  kShardIndex,   ///< a JSON object: model.safetensors.index.json and the like
  kDcpMetadata,  ///< the .metadata of torch.distributed.checkpoint
};

/// Which format the file has, by its first bytes. What is none of them is refused with what it is instead: a git-lfs
/// pointer, a web page, a compressed file. Throws CheckpointError kUnknownFormat or kUnsupported.
FileKind Sniff(const Source& source);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_SNIFF_H_
