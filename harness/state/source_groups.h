#ifndef LOADPATH_HARNESS_STATE_SOURCE_GROUPS_H_
#define LOADPATH_HARNESS_STATE_SOURCE_GROUPS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "harness/checkpoint/checkpoint.h"
#include "harness/state/load_state_dict.h"

namespace loadpath {

/// Bytes that are read together: storage[begin, begin + length), and the planned tensors that are views of them.
struct SourceGroup {
  StorageId storage = 0;
  Dtype dtype = Dtype::kUint8;  ///< the widest of its views': decides how bytes are swapped
  std::uint64_t begin = 0, length = 0;
  std::vector<std::uint32_t> users;  ///< indices of planned tensors, in the plan's order
};

enum class GroupExtent : std::uint8_t {
  kWanted,  ///< what the views need, or the whole storage where that is at least half of it (it can then be checked)
  kWhole,   ///< always the whole storage
};

/// One group for each storage, in the order in which the tensors first need them. In a file of the other byte order
/// views whose bytes swap in units of different size are apart.
std::vector<SourceGroup> GroupSources(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors,
                                      GroupExtent extent);

/// The checkpoint's tensor as a view of bytes that were read: `storage` holds the group's bytes from its start, at
/// byte `origin`. [1] becomes 0-dim where the plan wants that.
at::Tensor ViewOf(const at::Storage& storage, std::uint64_t origin, const SourceGroup& group, const TensorView& source,
                  const PlannedTensor& planned);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_SOURCE_GROUPS_H_
