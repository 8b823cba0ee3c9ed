#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_FOLDER_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_FOLDER_H_

#include <string>
#include <string_view>

namespace loadpath {

/// Returns the path of the file in `folder` that opens its checkpoint, by the names in the table of formats. If there
/// is none, or more than one, throws CheckpointError, and the sentence lists what the user can name instead.
std::string CheckpointInFolder(const std::string& folder);

/// Returns true if people call checkpoints so: "model.pth", "epoch=3.ckpt".
bool NamedLikeCheckpoint(std::string_view file);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_FOLDER_H_
