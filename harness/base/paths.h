#ifndef LOADPATH_HARNESS_BASE_PATHS_H_
#define LOADPATH_HARNESS_BASE_PATHS_H_

#include <string>
#include <string_view>

namespace loadpath {

bool IsFolder(const std::string& path);

/// Returns the folder that `file` lies in, with its slash; empty for the current folder.
std::string FolderOf(const std::string& file);

/// Returns true for a relative path that stays inside the folder it starts from: names with `/` between them, of which
/// none is empty, "." or "..", and none holds a NUL byte or a backslash. Symbolic links are not followed: whoever made
/// the folder made them, not the index. (The cache of Hugging Face Hub consists of links to files elsewhere.)
bool StaysInside(std::string_view path);

/// Returns the path of the running program, links resolved. Throws std::runtime_error if /proc is not mounted.
std::string ProgramPath();

/// Returns the folder that the running program lies in, without a slash at its end.
std::string ProgramFolder();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_PATHS_H_
