#ifndef LOADPATH_HARNESS_STATE_STATE_DICT_H_
#define LOADPATH_HARNESS_STATE_STATE_DICT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/checkpoint/checkpoint.h"

namespace loadpath {

/// A state dict as it lies in a checkpoint: keys in the file's order with the values they stand for, and the module
/// versions of `_metadata`. Holds no tensor bytes; keeps the checkpoint open.
class StateDict {
 public:
  struct Entry {
    std::string key;
    NodeId node;  ///< any value; what is not a tensor is refused by load_state_dict, in PyTorch's words
  };

  /// The dict under `key_path` (see FollowKeyPath); empty: the checkpoint's root. Throws CheckpointError kKeyPath for a
  /// path that leads nowhere, StateDictError (TypeError) for a value that is not dict-like.
  static StateDict From(std::shared_ptr<const Checkpoint> checkpoint, std::string_view key_path = {});

  const Checkpoint& checkpoint() const { return *checkpoint_; }
  std::shared_ptr<const Checkpoint> shared_checkpoint() const { return checkpoint_; }
  const std::vector<Entry>& entries() const { return entries_; }
  const Entry* Find(std::string_view key) const;

  /// False where the dict has no `_metadata` (a plain dict).
  bool has_metadata() const { return has_metadata_; }
  /// `_metadata[module_path]["version"]`, or nullopt where there is none or it is None. Throws StateDictError, in
  /// Python's words, where `_metadata[module_path]` is not a dict or the version not a number.
  std::optional<std::int64_t> Version(const std::string& module_path) const;

  /// What Python raises at the first key that is not text ("'int' object has no attribute 'startswith'"); empty where
  /// all are.
  const std::string& key_error() const { return key_error_; }

  /// torch.nn.modules.utils.consume_prefix_in_state_dict_if_present: renames in place; renamed keys move to the end,
  /// and one that lands on another key takes its place. Throws StateDictError where a key is not text.
  void RemovePrefix(std::string_view prefix);

 private:
  explicit StateDict(std::shared_ptr<const Checkpoint> checkpoint) : checkpoint_(std::move(checkpoint)) {}
  void ReadMetadata(NodeId dict);
  void Index();

  std::shared_ptr<const Checkpoint> checkpoint_;
  std::vector<Entry> entries_, metadata_;  // metadata_: module path and what stands there
  std::unordered_map<std::string, std::size_t> index_, metadata_index_;
  bool has_metadata_ = false;
  std::string key_error_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_STATE_DICT_H_
