#ifndef LOADPATH_HARNESS_DIFF_CAUSES_H_
#define LOADPATH_HARNESS_DIFF_CAUSES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/inspect/file_and_key.h"
#include "loadpath/checkpoint.h"

namespace loadpath {

/// A tensor of a state dict, as far as it is compared.
struct KeyInfo {
  std::string key;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::span<const std::string> path = {};  ///< of a file: the elements that `key` joins by dots
  NodeId node = kNoNode;                   ///< of a file: the tensor
  std::string file_key = {};               ///< the key as the file has it, if a rule has changed it
  std::size_t first_size = 0;              ///< of the first element of `path` then, once it is changed
};

/// Two state dicts: the wanted one and the one that is there, with their names in a sentence.
struct KeySets {
  std::span<const KeyInfo> wanted, have;
  std::string wanted_name, have_name;
  bool both_files = false;       ///< so that --prefix is removed from the keys of both
  std::string command = "ckpt";  ///< how command lines in a sentence call the program
};

/// Where the keys that are wanted lie in a file.
struct NestedKeys {
  std::string key_path;
  std::string prefix;  ///< what they begin with there ("module.")
  bool operator==(const NestedKeys&) const = default;
};

/// Returns why keys or shapes do not match, in sentences that say what to do, the likeliest first: one side has a
/// prefix ("module."), the indices of a Sequential are shifted, a layer is renamed, a matrix is transposed, or it is
/// another model. Returns nothing if no cause is likely. A sentence gives a command only if no other one is as likely.
std::vector<std::string> LikelyCauses(const KeySets& sets);

/// Returns the dict in the checkpoint that holds the most of these keys with their shapes, as they are or all with one
/// prefix; several if they hold as many. Returns none if it holds fewer than half of the keys, or no more than the dict
/// at `current`.
std::vector<NestedKeys> FindNested(const Checkpoint& checkpoint, std::span<const KeyInfo> wanted,
                                   std::string_view current);

/// Returns "under "state_dict", and its keys begin with "module."", or "at the top level", or several of these.
std::string NestedText(std::span<const NestedKeys> places);

/// Returns the sentence for what FindNested found in the one file of a command.
std::string NestedCause(const FileAndKey& name, std::span<const NestedKeys> places);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_CAUSES_H_
