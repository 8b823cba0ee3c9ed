#ifndef LOADPATH_HARNESS_CHECKPOINT_FREEZE_H_
#define LOADPATH_HARNESS_CHECKPOINT_FREEZE_H_

#include "harness/checkpoint/storage_table.h"
#include "harness/checkpoint/value.h"

namespace loadpath {

/// The tree of what `root` reaches. Dicts and sets are deduplicated as Python does: equal keys (1, 1.0 and True are) keep
/// the first one's place and the last one's value. `pickle`: the bytes that the heap's values point into.
Tree Freeze(std::string file, Heap&& heap, const StorageTable& storages, std::vector<std::byte> pickle, Value root);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FREEZE_H_
