#ifndef LOADPATH_HARNESS_CHECKPOINT_CHECK_VIEW_H_
#define LOADPATH_HARNESS_CHECKPOINT_CHECK_VIEW_H_

#include <cstdint>
#include <string>

#include "harness/checkpoint/tree.h"

namespace loadpath {

/// What is wrong with a view of a storage of `nbytes` bytes; empty where nothing is: ranks agree, nothing is negative,
/// no product overflows, every element lies inside.
std::string ViewProblem(const TensorView& view, std::uint64_t nbytes);

/// Bytes [begin, end) of a storage.
struct ByteRange {
  std::uint64_t begin = 0, end = 0;
  auto operator<=>(const ByteRange&) const = default;
};

/// The bytes of its storage that a view which was checked reaches; none where it has no elements.
ByteRange ReachOf(const TensorView& view);

/// "[2, 3]"
std::string ShapeText(const std::vector<std::int64_t>& shape);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_CHECK_VIEW_H_
