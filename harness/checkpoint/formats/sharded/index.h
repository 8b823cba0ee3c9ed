#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_SHARDED_INDEX_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_SHARDED_INDEX_H_

#include <string>
#include <utility>
#include <vector>

#include "harness/base/file_source.h"
#include "harness/checkpoint/pickle/heap.h"

namespace loadpath {

/// {"metadata": {"total_size": 72, …}, "weight_map": {"a.weight": "model-00001-of-00002.safetensors", …}}, as Hugging
/// Face's libraries write it beside the shards of a model (huggingface_hub, serialization/_base.py: StateDictSplit).
struct ShardIndex {
  std::vector<std::pair<std::string, std::uint32_t>> tensors;  ///< name and number of its shard, in the index's order
  std::vector<std::string> shards;  ///< plain file names, in the order of their first mention
  Value metadata;                   ///< in the heap; None if there is none
};

/// Reads an index strictly: refuses a key that stands twice, an unknown member, and a shard's name that is more than a
/// name. Throws CheckpointError.
ShardIndex ReadShardIndex(const FileSource& source, Heap& heap);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_SHARDED_INDEX_H_
