#include "harness/checkpoint/checkpoint.h"

#include <algorithm>
#include <bit>
#include <new>

#include "harness/checkpoint/single_file.h"
#include "harness/checkpoint/sniff.h"

namespace loadpath {

std::string_view Name(CrcStatus status) {
  switch (status) {
    case CrcStatus::kChecked: return "checked";
    case CrcStatus::kNotWritten: return "not written";
    case CrcStatus::kOff: return "off";
    case CrcStatus::kPartial: return "partial";
  }
  return {};
}

bool Checkpoint::Swapped() const { return (byteorder() == "big") != (std::endian::native == std::endian::big); }

std::shared_ptr<const Checkpoint> Checkpoint::Open(const std::string& path, const OpenOptions& options) {
  auto source = std::make_unique<Source>(path);
  try {
    switch (Sniff(*source)) {
      case FileKind::kZip: return OpenZip(std::move(source), options);
      case FileKind::kLegacy: return OpenTorchLegacy(std::move(source), options);
      case FileKind::kSafetensors: return OpenSafetensors(std::move(source));
    }
  } catch (const std::bad_alloc&) {
    throw CheckpointError(ErrorCode::kOutOfMemory, path, "could not be opened: out of memory");
  }
  return nullptr;
}

}  // namespace loadpath
