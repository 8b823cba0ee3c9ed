#ifndef LOADPATH_HARNESS_STATE_APPLY_H_
#define LOADPATH_HARNESS_STATE_APPLY_H_

#include <span>

#include "harness/state/load_state_dict.h"
#include "harness/state/scalar_type.h"

namespace loadpath {

/// Exact costs of putting bytes into a module.
struct ApplyReport {
  ReadReport read;
  std::uint64_t bytes_copied = 0;  ///< by memcpy or tensor copy, beyond the read itself
};

/// Reads the sources' storages (in parallel, in windows of bounded size) and copies them into the targets, converting
/// dtype, device and strides as Tensor::copy_ does. Extra memory: one window (64 MiB, or the largest single storage).
///
/// A load that fails leaves the module as it was. What fits one window is read, and its checksums compared, before the
/// first copy. Where more is needed, everything is read once beforehand for its checksums alone: in time about what
/// fresh memory for everything would cost (512 MiB, hot: 1.5 and 1.2 s on two busy cores), in memory nothing. Targets
/// that DeferredInit is about to fill need no such read: the fills undo a load that failed. What remains is a file that
/// changes during the load: then the error says that the module was partly loaded.
///
/// Where two keys name one tensor of the module, the later one wins, as in PyTorch; the other's bytes are not read.
ApplyReport ApplyCopy(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors,
                      const ReadOptions& options = {});

/// Reads each storage once, whole, into fresh memory and makes the targets views of it: dtype and strides from the
/// file, a parameter's requires_grad from the module, sharing in the file kept, sharing in the module kept. Nothing is
/// changed before everything has been read. A target on another device gets its own copy there.
ApplyReport ApplyAssign(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors,
                        const ReadOptions& options = {});

/// Makes the planned tensor's memory, dtype, shape and strides those of `value`. The tensor itself stays, and with it
/// its requires_grad and every place that holds it: the module's entry, its member, other modules that share it.
void Replace(const PlannedTensor& planned, const at::Tensor& value);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_APPLY_H_
