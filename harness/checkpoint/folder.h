#ifndef LOADPATH_HARNESS_CHECKPOINT_FOLDER_H_
#define LOADPATH_HARNESS_CHECKPOINT_FOLDER_H_

#include <string>
#include <string_view>

namespace loadpath {

bool IsFolder(const std::string& path);

/// The file in `folder` that a checkpoint is opened by: *.safetensors.index.json, *.bin.index.json, model.safetensors,
/// pytorch_model.bin or .metadata. Throws CheckpointError kUnknownFormat where there is none, and where there are two:
/// which one is meant is the user's to say.
std::string CheckpointInFolder(const std::string& folder);

/// The folder that `file` lies in, with its slash; empty for the current one.
std::string FolderOf(const std::string& file);

/// True for a relative path with `/` between names alone, which stays inside the folder it starts from: no name is empty,
/// "." or "..", none holds a NUL byte or a backslash. Symbolic links are not looked at: they are the folder's own, not the
/// index's (the cache of Hugging Face Hub consists of links to files elsewhere).
bool StaysInside(std::string_view path);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FOLDER_H_
