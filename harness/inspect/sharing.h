#ifndef LOADPATH_HARNESS_INSPECT_SHARING_H_
#define LOADPATH_HARNESS_INSPECT_SHARING_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "harness/base/keyed_hash.h"
#include "loadpath/tree.h"

namespace loadpath {

/// Which tensors of a list lie in one storage. `tree` and `tensors` must outlive it.
class Sharing {
 public:
  Sharing(const Tree& tree, std::span<const TensorPath> tensors);

  /// Returns "is wte.weight" for a tensor that is the same view as an earlier one, "shares the storage of wte.weight"
  /// (at its element 12, and with 3 more) for one that is another view, or an empty text.
  std::string Sentence(std::size_t i) const;

 private:
  const Tree& tree_;
  std::span<const TensorPath> tensors_;
  std::vector<std::size_t> same_;  // the first tensor of the same view
  HashMap<StorageId, std::vector<std::size_t>> users_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_SHARING_H_
