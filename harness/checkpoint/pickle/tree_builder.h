#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_TREE_BUILDER_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_TREE_BUILDER_H_

#include "harness/checkpoint/pickle/heap.h"
#include "harness/checkpoint/pickle/storage_table.h"

namespace loadpath {

/// Builds the tree of everything that `root` reaches. Dicts and sets lose duplicates as in Python: of equal keys (1,
/// 1.0 and True are equal) the first keeps its place and the last gives the value. `pickle` holds the bytes that the
/// heap's values point into.
Tree BuildTree(std::string file, Heap&& heap, const StorageTable& storages, std::vector<std::byte> pickle, Value root);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_TREE_BUILDER_H_
