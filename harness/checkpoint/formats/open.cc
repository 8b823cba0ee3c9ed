#include <algorithm>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/memory_source.h"
#include "harness/base/paths.h"
#include "harness/checkpoint/formats/folder.h"
#include "harness/checkpoint/formats/formats.h"

namespace loadpath {
namespace {

// Returns work(), which opens `path`.
template <typename Work>
std::shared_ptr<const Checkpoint> Opened(const std::string& path, const Work& work) {
  try {
    return OrOutOfMemory(path, "could not be opened", work);
  } catch (const CheckpointError& error) {
    // Such a file is one archive behind another, and what is wrong with it as one archive does not help.
    if (!path.ends_with(".distcp") || error.code() == ErrorCode::kIo) throw;
    throw CheckpointError(ErrorCode::kUnsupported, path,
                          "is one part of a distributed checkpoint: name its folder, or the .metadata in it");
  }
}

// `make` returns the source of the bytes.
template <typename Make>
std::shared_ptr<const Checkpoint> OpenedFrom(const std::string& name, const OpenOptions& options, const Make& make) {
  return Opened(name, [&]() -> std::shared_ptr<const Checkpoint> {
    std::unique_ptr<FileSource> source = make();
    const Format& format = RecogniseFormat(*source);
    if (format.open_file == nullptr) {
      source->Fail(
          ErrorCode::kUnsupported,
          "lists other files (format " + std::string(format.names[0]) + "), which are found only beside a file", {},
          CheckpointError::kNoOffset, "open it by its path");
    }
    return format.open_file(std::move(source), options);
  });
}

}  // namespace

std::shared_ptr<const Checkpoint> Checkpoint::Open(const std::string& path, const OpenOptions& options) {
  return Opened(path, [&]() -> std::shared_ptr<const Checkpoint> {
    auto file = std::make_unique<RegularFile>(IsFolder(path) ? CheckpointInFolder(path) : path);
    const Format& format = RecogniseFormat(*file);
    if (format.open_several != nullptr) return format.open_several(path, std::move(file), options);
    return format.open_file(std::move(file), options);
  });
}

std::shared_ptr<const Checkpoint> Checkpoint::FromMemory(std::span<const std::byte> bytes, const std::string& name,
                                                         const OpenOptions& options) {
  return FromMemory(nullptr, bytes, name, options);
}

std::shared_ptr<const Checkpoint> Checkpoint::FromMemory(std::vector<std::byte>&& bytes, const std::string& name,
                                                         const OpenOptions& options) {
  const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  return FromMemory(owner, *owner, name, options);
}

std::shared_ptr<const Checkpoint> Checkpoint::FromMemory(std::shared_ptr<const void> owner,
                                                         std::span<const std::byte> bytes, const std::string& name,
                                                         const OpenOptions& options) {
  return OpenedFrom(name, options, [&] { return std::make_unique<MemorySource>(name, bytes, std::move(owner)); });
}

std::shared_ptr<const Checkpoint> Checkpoint::FromMemory(ByteReader reader, const std::string& name,
                                                         const OpenOptions& options) {
  return OpenedFrom(name, options, [&] {
    return std::make_unique<FunctionSource>(name, reader.size, std::move(reader.read), reader.one_at_a_time);
  });
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
