#ifndef LOADPATH_HARNESS_STATE_APPLY_H_
#define LOADPATH_HARNESS_STATE_APPLY_H_

#include <span>
#include <vector>

#include "harness/state/scalar_type.h"
#include "loadpath/load_state_dict.h"

namespace loadpath {

/// What putting bytes into a module cost, exactly.
struct ApplyReport {
  ReadReport read;
  std::uint64_t bytes_copied = 0;  ///< by memcpy or tensor copy, not counting read.bytes_copied
};

/// Leaves out tensors that a later key of the plan fills again, under another name (tied weights).
std::vector<PlannedTensor> LastOfEach(std::vector<PlannedTensor> tensors);

/// Reads the sources' storages (in parallel, in windows of bounded size) and copies them into the targets. Converts
/// dtype, device and strides as Tensor::copy_ does. Extra memory: one window (64 MiB, or the largest single storage).
///
/// A load that fails leaves the module as it was. If all bytes fit one window, they are read and their checksums
/// compared before the first copy. If they do not, everything is read once beforehand just for its checksums: that
/// takes about as long as fresh memory for everything would (512 MiB, hot: 1.5 and 1.2 s on two busy cores), and no
/// memory. Targets that DeferredInit will fill need no such read, because the fills undo a load that failed. Only a
/// file that changes during the load can leave the module partly loaded; the error then says so.
///
/// If two keys name one tensor of the module, the later one wins, as in PyTorch, and the other's bytes are not read.
///
/// Cancelling leaves the module as it was, too: once tensors that hold values are being overwritten, the answer of
/// ReadOptions::progress is ignored.
ApplyReport ApplyCopy(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors,
                      const ReadOptions& options = {});

/// Reads each storage once, whole, into fresh memory and makes the targets views of it. Dtype and strides come from the
/// file, a parameter's requires_grad from the module; tensors that share memory in the file or in the module still do.
/// Nothing is changed before everything has been read. A target on another device gets its own copy there.
ApplyReport ApplyAssign(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors,
                        const ReadOptions& options = {});

/// Returns the bytes that ApplyCopy or ApplyAssign will read, for Progress::Expect. Bytes that are read twice count
/// twice.
std::uint64_t BytesToCopy(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors,
                          const ReadOptions& options);
std::uint64_t BytesToAssign(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors);

/// Gives the planned tensor the memory, dtype, shape and strides of `value`. The tensor object stays, with its
/// requires_grad and in every place that holds it: the module's entry, its member, other modules that share it.
void Replace(const PlannedTensor& planned, const at::Tensor& value);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_APPLY_H_
