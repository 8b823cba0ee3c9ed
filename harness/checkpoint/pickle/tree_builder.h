#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_TREE_BUILDER_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_TREE_BUILDER_H_

#include "harness/checkpoint/pickle/heap.h"
#include "harness/checkpoint/pickle/storage_table.h"

namespace loadpath {

/// The tree of what `root` reaches. Dicts and sets are deduplicated as Python does: equal keys (1, 1.0 and True are)
/// keep the first one's place and the last one's value. `pickle`: the bytes that the heap's values point into.
Tree Freeze(std::string file, Heap&& heap, const StorageTable& storages, std::vector<std::byte> pickle, Value root);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_TREE_BUILDER_H_
