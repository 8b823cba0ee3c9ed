#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_OTHER_FILES_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_OTHER_FILES_H_

#include <string_view>

#include "harness/base/file_source.h"

namespace loadpath {

/// Throws CheckpointError if `head`, the first bytes of `file`, are those of a file that people take for a checkpoint:
/// a git-lfs pointer, a web page, a compressed file. The sentence names it and says what to do.
void RefuseOtherFiles(const FileSource& file, std::string_view head);

/// Throws CheckpointError: no format and no other kind of file is known that begins so.
[[noreturn]] void RefuseUnknownFile(const FileSource& file, std::string_view head);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_OTHER_FILES_H_
