#include "harness/checkpoint/formats/several_files.h"

#include "harness/base/paths.h"

namespace loadpath {

std::unique_ptr<FileSource> OpenListedFile(const std::string& path, const std::string& index) {
  try {
    return std::make_unique<RegularFile>(path);
  } catch (const CheckpointError& error) {
    throw CheckpointError(error.code(), path,
                          error.sentence() + " (listed in " + index.substr(FolderOf(index).size()) + ")", {},
                          CheckpointError::kNoOffset, "put all files that it lists into one folder");
  }
}

}  // namespace loadpath
