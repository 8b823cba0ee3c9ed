#include "harness/checkpoint/read/byte_swap.h"

#include <cstdint>
#include <cstring>

namespace loadpath {
namespace {

template <typename T, T (*kSwap)(T)>
void SwapAll(std::span<std::byte> bytes) {
  for (std::size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + i, sizeof(T));
    value = kSwap(value);
    std::memcpy(bytes.data() + i, &value, sizeof(T));
  }
}

std::uint16_t Swap16(std::uint16_t value) { return __builtin_bswap16(value); }
std::uint32_t Swap32(std::uint32_t value) { return __builtin_bswap32(value); }
std::uint64_t Swap64(std::uint64_t value) { return __builtin_bswap64(value); }

}  // namespace

void SwapBytes(std::span<std::byte> bytes, Dtype dtype) {
  switch (Info(dtype).swap_unit) {
    case 2:
      return SwapAll<std::uint16_t, Swap16>(bytes);
    case 4:
      return SwapAll<std::uint32_t, Swap32>(bytes);
    case 8:
      return SwapAll<std::uint64_t, Swap64>(bytes);
    default:
      return;
  }
}

}  // namespace loadpath
