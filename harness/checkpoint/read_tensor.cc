#include <bit>

#include "harness/checkpoint/byte_swap.h"
#include "harness/checkpoint/checkpoint.h"
#include "harness/checkpoint/check_view.h"
#include "harness/checkpoint/gather.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/out_of_memory.h"

namespace loadpath {

std::vector<std::byte> ReadTensor(const Checkpoint& checkpoint, const TensorView& tensor, const ReadOptions& options) {
  if (tensor.numel() == 0) return {};
  const std::uint64_t item = ItemSize(tensor.dtype), storage_bytes = checkpoint.storages()[tensor.storage].nbytes;
  if (tensor.nbytes() > std::max(storage_bytes, limits::kExpandedBytes)) {
    throw CheckpointError(ErrorCode::kLimitExceeded, checkpoint.path(),
                          "has an expanded tensor of shape " + ShapeText(tensor.shape) + " over " + BytesText(storage_bytes) +
                              ": it is not copied out, because it would take " + BytesText(tensor.nbytes()));
  }
  // The whole storage where that is what the view covers: then its checksum counts too.
  const std::uint64_t begin = static_cast<std::uint64_t>(tensor.storage_offset) * item, length = ElementSpan(tensor) * item;
  return OrOutOfMemory(checkpoint.path(), "could not be read", [&] {
    std::vector<std::byte> bytes(length);
    const ReadJob job{tensor.storage, begin, bytes, tensor.dtype};
    checkpoint.Read({&job, 1}, options);
    if (!tensor.IsContiguous()) {
      std::vector<std::byte> gathered(tensor.nbytes());
      Gather(tensor, bytes.data(), gathered.data());
      bytes = std::move(gathered);
    }
    if (std::endian::native == std::endian::big) SwapBytes(bytes, tensor.dtype);
    ResolveBits(tensor, bytes);
    return bytes;
  });
}

}  // namespace loadpath
