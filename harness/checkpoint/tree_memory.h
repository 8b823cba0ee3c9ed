#ifndef LOADPATH_HARNESS_CHECKPOINT_TREE_MEMORY_H_
#define LOADPATH_HARNESS_CHECKPOINT_TREE_MEMORY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "harness/checkpoint/huge_pages.h"
#include "loadpath/tree.h"

namespace loadpath {

/// What a Tree consists of, as its builder fills it.
struct Tree::Memory {
  LargeVector<Node> nodes;
  LargeVector<NodeId> children;
  LargeVector<TensorView> tensors;
  std::vector<std::byte> pickle;   ///< what most texts point into
  std::vector<std::string> owned;  ///< and the others
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_TREE_MEMORY_H_
