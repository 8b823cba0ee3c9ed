#ifndef LOADPATH_HARNESS_BASE_PATHS_H_
#define LOADPATH_HARNESS_BASE_PATHS_H_

#include <string>
#include <string_view>

namespace loadpath {

bool IsFolder(const std::string& path);

/// The folder that `file` lies in, with its slash; empty for the current one.
std::string FolderOf(const std::string& file);

/// True for a relative path with `/` between names alone, which stays inside the folder it starts from: no name is
/// empty,
/// "." or "..", none holds a NUL byte or a backslash. Symbolic links are not looked at: they are the folder's own, not
/// the index's (the cache of Hugging Face Hub consists of links to files elsewhere).
bool StaysInside(std::string_view path);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_PATHS_H_
