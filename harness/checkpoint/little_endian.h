#ifndef LOADPATH_HARNESS_CHECKPOINT_LITTLE_ENDIAN_H_
#define LOADPATH_HARNESS_CHECKPOINT_LITTLE_ENDIAN_H_

#include <cstddef>
#include <cstdint>

namespace loadpath {

/// Returns the unsigned integer whose little-endian bytes start at `bytes`.
template <typename T>
T LittleEndian(const void* bytes) {
  const auto* p = static_cast<const unsigned char*>(bytes);
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= static_cast<T>(static_cast<T>(p[i]) << (8 * i));
  return value;
}

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_LITTLE_ENDIAN_H_
