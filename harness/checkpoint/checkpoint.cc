#include "harness/checkpoint/checkpoint.h"

#include <bit>

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

}  // namespace loadpath
