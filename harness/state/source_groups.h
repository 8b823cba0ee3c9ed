#ifndef LOADPATH_HARNESS_STATE_SOURCE_GROUPS_H_
#define LOADPATH_HARNESS_STATE_SOURCE_GROUPS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "loadpath/checkpoint.h"
#include "loadpath/load_state_dict.h"

namespace loadpath {

/// Bytes that are read together, storage[begin, begin + length), and the planned tensors that are views of them.
struct SourceGroup {
  StorageId storage = 0;
  Dtype dtype = Dtype::kUint8;  ///< the widest of its views', which decides how bytes are swapped
  std::uint64_t begin = 0, length = 0;
  std::vector<std::uint32_t> users;  ///< indices of planned tensors, in the plan's order
};

enum class GroupExtent : std::uint8_t {
  kWanted,  ///< the bytes that the views need, or the whole storage, which can be checked, if that is at least half of
            ///< it
  kWhole,   ///< always the whole storage
};

/// Returns one group for each storage, in the order in which the tensors first need them. In a file of the other byte
/// order, views whose bytes swap in units of different size are in groups of their own.
std::vector<SourceGroup> GroupSources(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors,
                                      GroupExtent extent);

/// Returns the checkpoint's tensor as a view of bytes that were read: `storage` holds the group's bytes from byte
/// `origin` on. [1] becomes 0-dim if the plan wants that.
at::Tensor ViewOf(const at::Storage& storage, std::uint64_t origin, const SourceGroup& group, const TensorView& source,
                  const PlannedTensor& planned);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_SOURCE_GROUPS_H_
