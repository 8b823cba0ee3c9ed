#include <algorithm>

#include "harness/base/error.h"
#include "harness/base/paths.h"
#include "harness/checkpoint/formats/folder.h"
#include "harness/checkpoint/formats/formats.h"

namespace loadpath {

std::shared_ptr<const Checkpoint> Checkpoint::Open(const std::string& path, const OpenOptions& options) {
  try {
    return OrOutOfMemory(path, "could not be opened", [&]() -> std::shared_ptr<const Checkpoint> {
      auto file = std::make_unique<FileSource>(IsFolder(path) ? CheckpointInFolder(path) : path);
      const Format& format = RecogniseFormat(*file);
      if (format.open_several != nullptr) return format.open_several(path, std::move(file), options);
      return format.open_file(std::move(file), options);
    });
  } catch (const CheckpointError& error) {
    // Such a file is one archive behind another, and what is wrong with it as one archive does not help.
    if (!path.ends_with(".distcp") || error.code() == ErrorCode::kIo) throw;
    throw CheckpointError(ErrorCode::kUnsupported, path,
                          "is one part of a distributed checkpoint: name its folder, or the .metadata in it");
  }
}

std::shared_ptr<const SingleFile> OpenSingleFile(std::unique_ptr<FileSource> file, const OpenOptions& options) {
  const Format& format = RecogniseFormat(*file);
  if (format.open_file == nullptr) {
    file->Fail(ErrorCode::kBadArchive, "lists other files (format " + std::string(format.names[0]) +
                                           "), but a file with tensors is expected here: name it as the checkpoint");
  }
  return format.open_file(std::move(file), options);
}

}  // namespace loadpath
