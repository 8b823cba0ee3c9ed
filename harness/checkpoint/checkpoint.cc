#include "loadpath/checkpoint.h"

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

bool Checkpoint::InFiles() const { return file_count() == 0 || fd(0) >= 0; }

std::vector<std::string> FilesOf(const Checkpoint& checkpoint) {
  if (!checkpoint.InFiles()) return {};
  const std::string& path = checkpoint.path();
  const std::string first = IsFolder(path) ? CheckpointInFolder(path) : path;
  // A file that has no name any more keeps the one that it was opened by.
  std::error_code nameless;
  const std::string canonical = std::filesystem::canonical(first, nameless).string();
  std::set<std::string> files = {nameless ? first : canonical};
  for (std::uint32_t i = 0; i < checkpoint.file_count(); ++i) {
    const std::string link = "/proc/self/fd/" + std::to_string(checkpoint.fd(i));
    files.insert(std::filesystem::read_symlink(link).string());
  }
  return {files.begin(), files.end()};
}

}  // namespace loadpath
