#ifndef LOADPATH_STATE_DICT_H_
#define LOADPATH_STATE_DICT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loadpath/checkpoint.h"

namespace loadpath {

/// A state dict of a checkpoint: its keys and values in the file's order, and the module versions of `_metadata`. Holds
/// no tensor bytes, and keeps the checkpoint open.
class StateDict {
 public:
  struct Entry {
    std::string key;
    NodeId node;  ///< any value; load_state_dict refuses one that is no tensor, in PyTorch's words
  };

  /// Returns the dict under `key_path` (see FollowKeyPath), or at the checkpoint's root if that is empty. Throws
  /// CheckpointError kKeyPath if the path leads nowhere, and StateDictError (TypeError) if the value is not dict-like.
  static StateDict From(std::shared_ptr<const Checkpoint> checkpoint, std::string_view key_path = {});

  const Checkpoint& checkpoint() const { return *checkpoint_; }
  std::shared_ptr<const Checkpoint> shared_checkpoint() const { return checkpoint_; }
  const std::vector<Entry>& entries() const { return entries_; }
  const Entry* Find(std::string_view key) const;

  /// Returns false if the dict has no `_metadata` (a plain dict).
  bool has_metadata() const { return has_metadata_; }
  /// Returns `_metadata[module_path]["version"]`, or nullopt if there is none or it is None. Throws StateDictError, in
  /// Python's words, if `_metadata[module_path]` is not a dict or the version is not a number.
  std::optional<std::int64_t> Version(const std::string& module_path) const;

  /// Returns what Python raises at the first key that is not text ("'int' object has no attribute 'startswith'"); empty
  /// if all are text.
  const std::string& key_error() const { return key_error_; }

  /// Removes the prefix from keys as torch.nn.modules.utils.consume_prefix_in_state_dict_if_present does: renamed keys
  /// move to the end, and one that lands on another key takes its place. Throws StateDictError if a key is not text.
  void RemovePrefix(std::string_view prefix);

 private:
  explicit StateDict(std::shared_ptr<const Checkpoint> checkpoint) : checkpoint_(std::move(checkpoint)) {}
  void ReadMetadata(NodeId dict);
  void MakeIndex();

  std::shared_ptr<const Checkpoint> checkpoint_;
  struct Index;
  std::vector<Entry> entries_, metadata_;  // metadata_: by module path
  std::shared_ptr<const Index> index_;     // of both
  bool has_metadata_ = false;
  std::string key_error_;
};

}  // namespace loadpath

#endif  // LOADPATH_STATE_DICT_H_
