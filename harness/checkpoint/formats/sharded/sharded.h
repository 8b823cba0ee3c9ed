#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_SHARDED_SHARDED_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_SHARDED_SHARDED_H_

#include <memory>
#include <string>
#include <string_view>

#include "harness/checkpoint/formats/several_files.h"

namespace loadpath {

/// Returns true for the first bytes of a JSON object: model.safetensors.index.json and the like.
bool IsShardIndex(std::string_view head);

std::shared_ptr<const Checkpoint> OpenSharded(std::string path, std::unique_ptr<FileSource> index,
                                              const OpenOptions& options);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_SHARDED_SHARDED_H_
