#ifndef LOADPATH_HARNESS_CHECKPOINT_DICT_PART_H_
#define LOADPATH_HARNESS_CHECKPOINT_DICT_PART_H_

#include <string>
#include <string_view>

#include "loadpath/checkpoint.h"

namespace loadpath {

/// The value that a key path names, or the part of a dict whose keys have a common beginning.
struct DictPart {
  NodeId node = 0;
  std::string path{};    ///< where the value lies, for FollowKeyPath
  std::string prefix{};  ///< of the keys that are meant, which they lose ("encoder."); empty: all of the value
};

/// Follows a key path (see FollowKeyPath). If it leads nowhere, its end may be the beginning of keys: takes as many of
/// its components as lead to a dict with such keys. Throws CheckpointError kKeyPath if there is none.
DictPart FindDictPart(const Checkpoint& checkpoint, std::string_view key_path);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_DICT_PART_H_
