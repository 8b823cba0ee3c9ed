#include "harness/checkpoint/checkpoint.h"

#include <algorithm>
#include <bit>

#include "harness/base/out_of_memory.h"
#include "harness/base/paths.h"
#include "harness/checkpoint/formats/folder.h"
#include "harness/checkpoint/formats/several_files.h"
#include "harness/checkpoint/formats/single_file.h"
#include "harness/checkpoint/formats/sniff.h"

namespace loadpath {

std::string_view Name(CrcStatus status) {
  switch (status) {
    case CrcStatus::kChecked:
      return "checked";
    case CrcStatus::kNotWritten:
      return "not written";
    case CrcStatus::kOff:
      return "off";
    case CrcStatus::kPartial:
      return "partial";
  }
  return {};
}

bool Checkpoint::Swapped() const { return (byteorder() == "big") != (std::endian::native == std::endian::big); }

std::shared_ptr<const Checkpoint> Checkpoint::Open(const std::string& path, const OpenOptions& options) {
  try {
    return OrOutOfMemory(path, "could not be opened", [&]() -> std::shared_ptr<const Checkpoint> {
      auto source = std::make_unique<Source>(IsFolder(path) ? CheckpointInFolder(path) : path);
      switch (Sniff(*source)) {
        case FileKind::kShardIndex:
          return OpenSharded(path, std::move(source), options);
        case FileKind::kDcpMetadata:
          return OpenDcp(path, std::move(source), options);
        default:
          return OpenSingleFile(std::move(source), options);
      }
    });
  } catch (const CheckpointError& error) {
    // One archive behind another: what is wrong with them as one says little.
    if (!path.ends_with(".distcp") || error.code() == ErrorCode::kIo) throw;
    throw CheckpointError(ErrorCode::kUnsupported, path,
                          "is one part of a distributed checkpoint: name its folder, or the .metadata in it");
  }
}

}  // namespace loadpath
