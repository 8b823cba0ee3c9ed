#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_METADATA_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_METADATA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/file_source.h"
#include "loadpath/tree.h"

namespace loadpath {

/// A torch.save archive inside a .distcp file: bytes [offset, offset + length) of it.
struct DcpItem {
  std::uint32_t entry = 0;  ///< that it is (a part of)
  std::uint32_t file = 0;
  std::uint64_t offset = 0, length = 0;
};

/// A box of a tensor. `offsets` and `sizes` are torch.Size nodes of the metadata's tree, of the tensor's rank.
struct DcpChunk {
  NodeId offsets = kNoNode, sizes = kNoNode;
  std::uint32_t item = 0;  ///< DcpMetadata::kNoItem for a chunk without elements that was not written
};

/// The meaning of one fully qualified name: a tensor of chunks, or any other value, pickled.
struct DcpEntry {
  std::string name;
  NodeId path = kNoNode;  ///< tuple of keys (str) and list positions (int), or kNoNode: a key of the root, by its name
  bool is_tensor = false;
  std::uint32_t item = 0;  ///< of another value
  Dtype dtype = Dtype::kFloat32;
  std::vector<std::int64_t> shape;
  std::uint32_t first_chunk = 0, chunk_count = 0;
};

/// The .metadata of torch.distributed.checkpoint (torch/distributed/checkpoint/metadata.py, Metadata).
struct DcpMetadata {
  static constexpr std::uint32_t kNoItem = ~std::uint32_t{0};

  Tree tree;                       ///< of the pickle
  std::vector<DcpEntry> entries;   ///< in the order of state_dict_metadata
  std::vector<DcpChunk> chunks;    ///< of one tensor after another
  std::vector<DcpItem> items;      ///< in the order of storage_data
  std::vector<std::string> files;  ///< relative paths that stay inside the folder
};

/// Reads the metadata and checks it: every tensor's chunks cover each of its elements once, every chunk and value has
/// an item, and every item belongs to one. The classes of a .metadata are read as inert objects, from a list of their
/// own. Any other name is refused, and nothing is run. Throws CheckpointError.
DcpMetadata ReadDcpMetadata(const FileSource& source);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_METADATA_H_
