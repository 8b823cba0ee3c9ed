#ifndef LOADPATH_HARNESS_STATE_APPLY_H_
#define LOADPATH_HARNESS_STATE_APPLY_H_

#include <span>

#include "harness/state/load_state_dict.h"
#include "harness/state/scalar_type.h"

namespace loadpath {

/// Exact costs of putting bytes into a module.
struct ApplyReport {
  ReadReport read;
  std::uint64_t bytes_copied = 0;   ///< by memcpy or tensor copy, beyond the read itself
};

/// Reads the sources' storages (in parallel, in windows of bounded size) and copies them into the targets, converting
/// dtype, device and strides as Tensor::copy_ does. Extra memory: one window (64 MiB, or the largest single storage).
ApplyReport ApplyCopy(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors, const ReadOptions& options = {});

/// Reads each storage once into fresh memory and makes the targets' owners hold views of it: dtype and strides from the
/// file, requires_grad from the module, sharing in the file kept, sharing in the module kept.
ApplyReport ApplyAssign(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors, const ReadOptions& options = {});

/// Makes the owner (and every other place of the module that held the old tensor) hold `value` instead, with the old
/// tensor's requires_grad. `root` is the module that was planned for.
void Replace(const PlannedTensor& planned, const at::Tensor& value);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_APPLY_H_
