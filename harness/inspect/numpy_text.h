#ifndef LOADPATH_HARNESS_INSPECT_NUMPY_TEXT_H_
#define LOADPATH_HARNESS_INSPECT_NUMPY_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "loadpath/tree.h"

namespace loadpath {

/// Returns a pickled numpy array or scalar on one line: "numpy float64 [3]: 0.1, 0.2, 0.3", at most `most` elements in
/// row-major order. Elements of a dtype that is not a number are left out: "numpy <U5 [2]". Returns nullopt for any
/// other value, and for an array whose bytes do not match its shape.
std::optional<std::string> NumpyText(const Tree& tree, NodeId id, std::size_t most);

/// Returns true if NumpyText shows the elements.
bool IsNumpyOfNumbers(const Tree& tree, NodeId id);

/// Returns the bytes of its elements, at least their number; 0 for any other value.
std::uint64_t NumpyBytes(const Tree& tree, NodeId id);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_NUMPY_TEXT_H_
