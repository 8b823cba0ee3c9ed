#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_DCP_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_DCP_H_

#include <memory>
#include <string>
#include <string_view>

#include "harness/checkpoint/formats/several_files.h"

namespace loadpath {

/// Returns true for the first bytes of the .metadata of torch.distributed.checkpoint.
bool IsDcpMetadata(std::string_view head);

std::shared_ptr<const Checkpoint> OpenDcp(std::string path, std::unique_ptr<FileSource> metadata,
                                          const OpenOptions& options);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_DCP_H_
