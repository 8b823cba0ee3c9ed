#include <bit>

#include "harness/base/error.h"
#include "harness/checkpoint/check_view.h"
#include "harness/checkpoint/gather.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/read/byte_swap.h"
#include "loadpath/checkpoint.h"

namespace loadpath {

std::vector<std::byte> ReadTensor(const Checkpoint& checkpoint, const TensorView& tensor, const ReadOptions& options) {
  if (tensor.numel() == 0) return {};
  const std::uint64_t storage_bytes = checkpoint.storages()[tensor.storage].nbytes;
  if (tensor.nbytes() > std::max(storage_bytes, limits::kExpandedBytes)) {
    throw CheckpointError(ErrorCode::kLimitExceeded, checkpoint.path(),
                          "has an expanded tensor of shape " + ShapeText(tensor.shape) + " over " +
                              Counted(storage_bytes, "byte") + ": it is not copied out, because it would take " +
                              Counted(tensor.nbytes(), "byte"));
  }
  // If the view covers the whole storage, all of it is read and its checksum compared.
  const ByteRange reach = ReachOf(tensor);
  return OrOutOfMemory(checkpoint.path(), "could not be read", [&] {
    std::vector<std::byte> bytes(reach.end - reach.begin);
    const ReadJob job{tensor.storage, reach.begin, bytes, tensor.dtype};
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
