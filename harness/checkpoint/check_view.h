#ifndef LOADPATH_HARNESS_CHECKPOINT_CHECK_VIEW_H_
#define LOADPATH_HARNESS_CHECKPOINT_CHECK_VIEW_H_

#include <cstdint>
#include <string>

#include "harness/checkpoint/tree.h"

namespace loadpath {

/// What is wrong with a view of a storage of `nbytes` bytes; empty where nothing is: ranks agree, nothing is negative, no
/// product overflows, every element lies inside.
std::string ViewProblem(const TensorView& view, std::uint64_t nbytes);

/// One past the highest element that a view which was checked, and has elements, reaches, counted from its own first.
std::uint64_t ElementSpan(const TensorView& view);

/// "[2, 3]"
std::string ShapeText(const std::vector<std::int64_t>& shape);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_CHECK_VIEW_H_
