#ifndef LOADPATH_HARNESS_SAVE_STATE_DICT_TENSORS_H_
#define LOADPATH_HARNESS_SAVE_STATE_DICT_TENSORS_H_

#include <string>
#include <utility>
#include <vector>

#include "harness/inspect/file_and_key.h"
#include "loadpath/checkpoint.h"
#include "loadpath/key_rules.h"

namespace loadpath {

/// A state dict, as far as a file that holds one dict of tensors can take it.
struct StateDictTensors {
  std::vector<TensorPath> tensors;    ///< with paths of one element: their names
  std::vector<std::string> left_out;  ///< the keys of what is no tensor, and of no text metadata
  std::vector<std::pair<std::string, std::string>> metadata;  ///< the __metadata__ of a safetensors file
};

/// Takes the dict at `name.key`. Throws CheckpointError if it is not a dict, has a tensor under a key that is not text,
/// or has tensors in its values: the sentence then says how to name the state dicts that there are. Gives the tensors
/// the names that the rules make of their keys; throws if a prefix or a rename rule changes none.
StateDictTensors TakeStateDict(const Checkpoint& checkpoint, const FileAndKey& name, const KeyRules& rules = {});

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SAVE_STATE_DICT_TENSORS_H_
