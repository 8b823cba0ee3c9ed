#ifndef LOADPATH_HARNESS_SAVE_ALIASES_H_
#define LOADPATH_HARNESS_SAVE_ALIASES_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "loadpath/tree.h"

namespace loadpath {

/// What happens to tensors that are one and the same in the checkpoint.
enum class AliasRule : std::uint8_t {
  kApart,  ///< each is written, so that every key stays
  kOnce,   ///< the first by name is written, as by safetensors.torch.save_model
};

/// A tensor that shares bytes with another one.
struct Alias {
  std::string name, of;
  bool equal = false;  ///< the same view, not only some of the same bytes
  bool written = true;
};

/// Finds the tensors that share bytes with another one of the list, in the list's order. Paths have one element, the
/// name. Of equal views the first by name is kept; of others, `of` is the tensor before it that reaches farthest.
std::vector<Alias> FindAliases(const Tree& tree, std::span<const TensorPath> tensors, AliasRule rule);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SAVE_ALIASES_H_
