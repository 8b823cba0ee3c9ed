#include "harness/checkpoint/checkpoint.h"

#include <bit>
#include <filesystem>
#include <set>

#include "harness/base/paths.h"
#include "harness/checkpoint/formats/folder.h"

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

std::vector<std::string> FilesOf(const Checkpoint& checkpoint) {
  const std::string& path = checkpoint.path();
  std::set<std::string> files = {std::filesystem::canonical(IsFolder(path) ? CheckpointInFolder(path) : path).string()};
  for (std::uint32_t i = 0; i < checkpoint.file_count(); ++i) {
    files.insert(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(checkpoint.fd(i))).string());
  }
  return {files.begin(), files.end()};
}

}  // namespace loadpath
