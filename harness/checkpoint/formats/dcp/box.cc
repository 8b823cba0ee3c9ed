#include "harness/checkpoint/formats/dcp/box.h"

#include <algorithm>
#include <cstring>

namespace loadpath {

DcpBox::DcpBox(std::span<const std::int64_t> shape, std::span<const std::int64_t> offsets,
               std::span<const std::int64_t> sizes, std::uint64_t itemsize) {
  for (std::size_t d = 0; d < shape.size(); ++d) {
    dimensions_.push_back({static_cast<std::uint64_t>(shape[d]), static_cast<std::uint64_t>(offsets[d]),
                           static_cast<std::uint64_t>(sizes[d]), 0, 0});
  }
  dimensions_.push_back({itemsize, 0, itemsize, 0, 0});
  std::uint64_t stride = 1;
  bool whole = true;
  for (auto d = dimensions_.rbegin(); d != dimensions_.rend(); ++d) {
    d->stride = stride;
    d->step = size_;
    stride *= d->extent;
    size_ *= d->size;
    if (whole) run_ = size_;
    whole = whole && d->size == d->extent;
  }
}

std::uint64_t DcpBox::CountBefore(std::uint64_t position) const {
  std::uint64_t count = 0;
  for (const Dimension& d : dimensions_) {
    const std::uint64_t index = position / d.stride;
    if (index < d.offset) return count;
    if (index >= d.offset + d.size) return count + d.size * d.step;
    count += (index - d.offset) * d.step;
    position %= d.stride;
  }
  return count;
}

std::uint64_t DcpBox::Position(std::uint64_t at) const {
  std::uint64_t position = 0;
  for (const Dimension& d : dimensions_) {
    position += (d.offset + at / d.step) * d.stride;
    at %= d.step;
  }
  return position;
}

void DcpBox::Scatter(std::uint64_t begin, std::span<const std::byte> src, std::span<std::byte> dst,
                     std::uint64_t dst_begin) const {
  while (!src.empty()) {
    const std::size_t length = std::min<std::uint64_t>(src.size(), run_ - begin % run_);
    std::memcpy(dst.data() + (Position(begin) - dst_begin), src.data(), length);
    begin += length;
    src = src.subspan(length);
  }
}

}  // namespace loadpath
