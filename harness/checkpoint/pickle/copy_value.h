#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_COPY_VALUE_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_COPY_VALUE_H_

#include <functional>

#include "harness/checkpoint/pickle/heap.h"
#include "harness/checkpoint/pickle/storage_table.h"

namespace loadpath {

/// Copies `from` and everything that it reaches into `heap`, to make one tree of several. Values that are shared or
/// contain themselves stay so. `storage_of` returns a storage's number in `storages`. Iterative; linear in the values
/// that are reached.
Value CopyValue(const Tree& tree, NodeId from, Heap& heap, StorageTable& storages,
                const std::function<StorageId(StorageId)>& storage_of);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_COPY_VALUE_H_
