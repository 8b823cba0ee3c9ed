#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_SAFETENSORS_HEADER_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_SAFETENSORS_HEADER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loadpath/dtype.h"

namespace loadpath {

/// Returns PyTorch's dtype by the format's name ("F32"), and the other way round; nullopt if there is no equal.
std::optional<Dtype> SafetensorsDtype(std::string_view name);
std::optional<std::string_view> SafetensorsName(Dtype dtype);

/// A tensor of a safetensors file that is about to be written.
struct SafetensorsEntry {
  std::string name;
  Dtype dtype = Dtype::kFloat32;    ///< one that SafetensorsName knows
  std::vector<std::int64_t> shape;  ///< in elements of the dtype: F4's are pairs
  std::uint64_t nbytes = 0;
  std::size_t source = 0;    ///< the caller's own number for it
  std::uint64_t offset = 0;  ///< set by LayOut: of its first byte, in the file
};

/// Puts the entries into the order of the reference writer (safetensors 0.8.0, safetensors/src/tensor.rs: the widest
/// dtypes first, then by name) and sets their offsets. Returns the bytes before the first tensor: the length of the
/// header in eight bytes, and the header, padded with blanks to a multiple of eight. `metadata` becomes __metadata__,
/// which is left out if empty. Throws std::invalid_argument with one sentence if the format cannot hold the entries:
/// two of one name, a name that is not text or is __metadata__, a header above the format's 100,000,000 bytes.
std::string LayOut(std::vector<SafetensorsEntry>& entries,
                   std::span<const std::pair<std::string, std::string>> metadata);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_SAFETENSORS_HEADER_H_
