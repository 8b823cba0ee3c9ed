#ifndef LOADPATH_HARNESS_CHECKPOINT_CHECK_VIEW_H_
#define LOADPATH_HARNESS_CHECKPOINT_CHECK_VIEW_H_

#include <cstdint>
#include <string>

#include "loadpath/tree.h"

namespace loadpath {

/// Returns what is wrong with a view of a storage of `nbytes` bytes. Returns an empty text if the ranks agree, nothing
/// is negative, no product overflows and every element lies inside.
std::string ViewProblem(const TensorView& view, std::uint64_t nbytes);

/// Bytes [begin, end) of a storage.
struct ByteRange {
  std::uint64_t begin = 0, end = 0;
  auto operator<=>(const ByteRange&) const = default;
};

/// Returns the bytes of its storage that a checked view reaches. The range is empty if the view has no elements.
ByteRange ReachOf(const TensorView& view);

/// Returns "[2, 3]".
std::string ShapeText(const std::vector<std::int64_t>& shape);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_CHECK_VIEW_H_
