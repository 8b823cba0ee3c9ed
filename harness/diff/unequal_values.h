#ifndef LOADPATH_HARNESS_DIFF_UNEQUAL_VALUES_H_
#define LOADPATH_HARNESS_DIFF_UNEQUAL_VALUES_H_

#include <optional>
#include <string>

#include "harness/checkpoint/checkpoint.h"

namespace loadpath {

/// Compares the values below two places whole, without their tensors. The order of a dict's items does not matter, nor
/// does the type of a dict or sequence. What Python set on a plain dict is compared as far as both have it. Returns the
/// path of a value that differs. Takes no recursion. Throws CheckpointError kLimitExceeded if values are shared so
/// often that this cannot be told.
std::optional<std::string> FindUnequalValue(const Tree& a, NodeId root_a, const Tree& b, NodeId root_b);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_UNEQUAL_VALUES_H_
