#include "harness/checkpoint/gather.h"

#include <cstring>
#include <vector>

namespace loadpath {
namespace {

// The sign bit is the highest bit of the last byte, the bytes being little-endian.
void Negate(std::span<std::byte> bytes, std::size_t first, std::size_t step) {
  for (std::size_t i = first; i < bytes.size(); i += step) bytes[i] ^= std::byte{0x80};
}

void NegateIntegers(std::span<std::byte> bytes, std::size_t item) {
  for (std::size_t begin = 0; begin + item <= bytes.size(); begin += item) {
    unsigned carry = 1;
    for (std::size_t i = begin; i < begin + item; ++i) {
      carry += std::to_integer<unsigned>(~bytes[i]);
      bytes[i] = static_cast<std::byte>(carry);
      carry >>= 8;
    }
  }
}

bool IsInteger(Dtype dtype) { return dtype <= Dtype::kUint64; }

}  // namespace

// If the last dimension is dense, it is copied as one run.
void Gather(const TensorView& view, const std::byte* src, std::byte* dst) {
  const std::size_t item = ItemSize(view.dtype), rank = view.shape.size();
  const std::int64_t inner = rank == 0 ? 1 : view.shape[rank - 1], inner_stride = rank == 0 ? 1 : view.stride[rank - 1];
  std::vector<std::int64_t> index(rank, 0);
  std::int64_t offset = 0;
  for (;;) {
    const std::byte* row = src + static_cast<std::size_t>(offset) * item;
    if (inner_stride == 1 || inner == 1) {
      std::memcpy(dst, row, static_cast<std::size_t>(inner) * item);
      dst += static_cast<std::size_t>(inner) * item;
    } else {
      for (std::int64_t i = 0; i < inner; ++i, dst += item)
        std::memcpy(dst, row + static_cast<std::size_t>(i * inner_stride) * item, item);
    }
    std::size_t d = rank < 2 ? 0 : rank - 1;
    while (d > 0) {
      --d;
      offset += view.stride[d];
      if (++index[d] < view.shape[d]) break;
      offset -= view.stride[d] * view.shape[d];
      index[d] = 0;
      if (d == 0) return;
    }
    if (rank < 2) return;
  }
}

void ResolveBits(const TensorView& view, std::span<std::byte> bytes) {
  const DtypeInfo& info = Info(view.dtype);
  const bool is_complex = info.swap_unit * 2 == info.itemsize;
  if (view.conj) Negate(bytes, std::size_t{info.itemsize} - 1u, info.itemsize);
  if (!view.neg) return;
  if (IsInteger(view.dtype)) {
    NegateIntegers(bytes, info.itemsize);
  } else {
    Negate(bytes, (is_complex ? info.swap_unit : info.itemsize) - 1u, is_complex ? info.swap_unit : info.itemsize);
  }
}

}  // namespace loadpath
