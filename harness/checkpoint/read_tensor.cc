#include <bit>
#include <cstring>

#include "harness/checkpoint/byte_swap.h"
#include "harness/checkpoint/checkpoint.h"
#include "harness/checkpoint/check_view.h"
#include "harness/checkpoint/limits.h"

namespace loadpath {
namespace {

// Copies the view's elements, whose storage starts at `src`, to `dst` in row-major order. The last dimension is a run of
// its own where it is dense.
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
      for (std::int64_t i = 0; i < inner; ++i, dst += item) std::memcpy(dst, row + static_cast<std::size_t>(i * inner_stride) * item, item);
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

// Resolves the negative and the conjugate bit.
void Resolve(const TensorView& view, std::span<std::byte> bytes) {
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

// One past the highest element that the view reaches, from its own first.
std::uint64_t Span(const TensorView& view) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < view.shape.size(); ++i) last += (view.shape[i] - 1) * view.stride[i];
  return static_cast<std::uint64_t>(last) + 1;
}

}  // namespace

std::vector<std::byte> ReadTensor(const Checkpoint& checkpoint, const TensorView& tensor, const ReadOptions& options) {
  if (tensor.numel() == 0) return {};
  const std::uint64_t item = ItemSize(tensor.dtype), storage_bytes = checkpoint.storages()[tensor.storage].nbytes;
  if (tensor.nbytes() > std::max(storage_bytes, limits::kExpandedBytes)) {
    throw CheckpointError(ErrorCode::kLimitExceeded, checkpoint.path(),
                          "has an expanded tensor of shape " + ShapeText(tensor.shape) + " over " + std::to_string(storage_bytes) +
                              " bytes: it is not copied out, because it would take " + std::to_string(tensor.nbytes()) + " bytes");
  }
  // The whole storage where that is what the view covers: then its checksum counts too.
  const std::uint64_t begin = static_cast<std::uint64_t>(tensor.storage_offset) * item, length = Span(tensor) * item;
  std::vector<std::byte> bytes(length);
  const ReadJob job{tensor.storage, begin, bytes, tensor.dtype};
  checkpoint.Read({&job, 1}, options);
  if (!tensor.IsContiguous()) {
    std::vector<std::byte> gathered(tensor.nbytes());
    Gather(tensor, bytes.data(), gathered.data());
    bytes = std::move(gathered);
  }
  if (std::endian::native == std::endian::big) SwapBytes(bytes, tensor.dtype);
  Resolve(tensor, bytes);
  return bytes;
}

}  // namespace loadpath
