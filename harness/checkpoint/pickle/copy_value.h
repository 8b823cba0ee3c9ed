#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_COPY_VALUE_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_COPY_VALUE_H_

#include <functional>

#include "harness/checkpoint/pickle/heap.h"
#include "harness/checkpoint/pickle/storage_table.h"

namespace loadpath {

/// A copy of `from` and of what it reaches in `heap`, to make one tree of several: what is shared or contains itself
/// stays so. `storage_of` gives a storage's number in `storages`. Iterative; linear in what is reached.
Value CopyValue(const Tree& tree, NodeId from, Heap& heap, StorageTable& storages,
                const std::function<StorageId(StorageId)>& storage_of);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_COPY_VALUE_H_
