#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_FOLDER_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_FOLDER_H_

#include <string>

namespace loadpath {

/// The file in `folder` that a checkpoint is opened by: *.safetensors.index.json, *.bin.index.json, model.safetensors,
/// pytorch_model.bin or .metadata. Throws CheckpointError kUnknownFormat where there is none, and where there are two:
/// which one is meant is the user's to say.
std::string CheckpointInFolder(const std::string& folder);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_FOLDER_H_
