#ifndef LOADPATH_HARNESS_DIFF_UNEQUAL_VALUES_H_
#define LOADPATH_HARNESS_DIFF_UNEQUAL_VALUES_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/checkpoint/key_mapping.h"
#include "loadpath/checkpoint.h"

namespace loadpath {

/// A value that differs, and what stands there on either side; kNoNode: nothing.
struct UnequalValue {
  std::string path;
  NodeId a = kNoNode, b = kNoNode;
};

/// Two storages that stand at one place as such, as in quantised tensors: their bytes are still to be compared.
struct StoragePair {
  std::string path;
  NodeId a, b;
};

/// The values below one place.
struct ValueSide {
  const Tree& tree;
  NodeId root;
  /// The names of the root's items if it is a dict whose keys were mapped: those without one are not compared.
  std::span<const std::optional<std::string>> names = {};
  const KeyMapping* mapping = nullptr;  ///< which made them, for the modules of `_metadata`
};

/// Compares the values below two places whole, without their tensors. The order of a dict's items does not matter, nor
/// does the type of a dict or sequence. What Python set on a plain dict is compared as far as both have it. Returns a
/// value that differs, and adds what it met until then to `storages`. Takes no recursion. Throws CheckpointError
/// kLimitExceeded if values are shared so often that this cannot be told.
std::optional<UnequalValue> FindUnequalValue(const ValueSide& a, const ValueSide& b,
                                             std::vector<StoragePair>* storages = nullptr);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_UNEQUAL_VALUES_H_
