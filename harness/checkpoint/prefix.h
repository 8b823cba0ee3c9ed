#ifndef LOADPATH_HARNESS_CHECKPOINT_PREFIX_H_
#define LOADPATH_HARNESS_CHECKPOINT_PREFIX_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loadpath/tree.h"

namespace loadpath {

/// What the keys of a dict are: names of a state dict, or of its `_metadata`, where the module at "module" loses
/// "module." too.
enum class KeyKind : std::uint8_t { kStateDict, kMetadata };

/// A key that is left, and the position of the item that it has now.
struct KeptKey {
  std::string key;
  std::size_t item;
};

/// Removes the prefix from the keys that begin with it, in linear time. Does what
/// torch.nn.modules.utils.consume_prefix_in_state_dict_if_present does: `dict[new] = dict.pop(key)` for one key after
/// the other, so that a key takes the place of one of its new name. Returns the keys in the dict's order after that.
std::vector<KeptKey> RemovePrefix(std::span<const std::string> keys, std::string_view prefix, KeyKind kind);

/// Returns for each item of a dict the text of its key without the prefix; nullopt if another item took its place. Keys
/// that are no text stay as they are.
std::vector<std::optional<std::string>> NamesWithoutPrefix(const Tree& tree, NodeId dict, std::string_view prefix,
                                                           KeyKind kind);

/// Returns why whoever writes or compares the dict refuses to remove the prefix: it has a key that is no text, or one
/// item would take the place of another ("has both w and module.w: …"). Returns an empty text if nothing is wrong.
std::string PrefixProblem(const Tree& tree, NodeId dict, std::string_view prefix);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PREFIX_H_
