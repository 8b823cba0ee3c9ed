#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_BOX_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_BOX_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace loadpath {

/// Maps the bytes of a chunk to those of its tensor, both with elements in row-major order. The order is the same in
/// both: a range of the tensor's bytes holds a range of the chunk's.
class DcpBox {
 public:
  /// Extents and offsets in elements of `itemsize` bytes, all of one rank. The chunk is not empty and lies inside.
  DcpBox(std::span<const std::int64_t> shape, std::span<const std::int64_t> offsets,
         std::span<const std::int64_t> sizes, std::uint64_t itemsize);

  /// Returns the number of bytes of the chunk.
  std::uint64_t size() const { return size_; }
  /// Returns how many of the chunk's bytes lie before byte `position` of the tensor.
  std::uint64_t CountBefore(std::uint64_t position) const;
  /// Returns the position in the tensor of byte `at` of the chunk.
  std::uint64_t Position(std::uint64_t at) const;
  /// Returns true if bytes [begin, end) of the chunk, of which there is at least one, are neighbours in the tensor too.
  bool IsRun(std::uint64_t begin, std::uint64_t end) const {
    return Position(end - 1) - Position(begin) == end - 1 - begin;
  }
  /// Copies `src`, the chunk's bytes from `begin` on, to their places in `dst`, the tensor's bytes from `dst_begin` on.
  void Scatter(std::uint64_t begin, std::span<const std::byte> src, std::span<std::byte> dst,
               std::uint64_t dst_begin) const;

 private:
  struct Dimension {
    std::uint64_t extent, offset, size;  // of the tensor; of the chunk
    std::uint64_t stride, step;          // bytes from one index to the next in the tensor, in the chunk
  };
  std::vector<Dimension> dimensions_;  // the last: the bytes of one element
  std::uint64_t size_ = 1, run_ = 1;   // run_: bytes that are neighbours in both
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_BOX_H_
