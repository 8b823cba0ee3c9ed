#ifndef LOADPATH_STATE_DICT_H_
#define LOADPATH_STATE_DICT_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loadpath/checkpoint.h"
#include "loadpath/key_rules.h"

namespace loadpath {

class KeyMapping;

/// A state dict of a checkpoint: its keys and values in the file's order, and the module versions of `_metadata`. Holds
/// no tensor bytes, and keeps the checkpoint open.
class StateDict {
 public:
  struct Entry {
    std::string key;
    NodeId node;             ///< any value; load_state_dict refuses one that is no tensor, in PyTorch's words
    std::string file_key{};  ///< the key in the file, if a rule has changed it
  };

  /// Returns the dict under `key_path` (see FollowKeyPath), or at the checkpoint's root if that is empty. The path may
  /// go on inside the state dict: "model.encoder" is the part of the dict "model" whose keys begin with "encoder.",
  /// which they lose. Throws CheckpointError kKeyPath if the path leads nowhere, and StateDictError (TypeError) if the
  /// value is not dict-like.
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

  /// Gives the keys, and the modules of `_metadata`, the names that the rules make of them, and leaves out those that
  /// `only` and `skip` leave out. The order stays. Call it once. Throws CheckpointError kKeyRule (see KeyRules), and
  /// StateDictError if a key is not text.
  void Apply(const KeyRules& rules);
  /// Returns false if the rules' `only` or `skip` leaves a key of that name out: load_state_dict does not miss it.
  bool Wants(const std::string& key) const;
  /// Throws CheckpointError kKeyRule if `skip` matches neither a key of the file nor any of these, a module's.
  void RequireSkipMatch(std::span<const std::string> module_keys) const;
  /// Returns the keys of the file that `only` and `skip` have left out.
  const std::vector<std::string>& left_out() const { return left_out_; }
  /// Returns a sentence for each rename rule that changed no key.
  const std::vector<std::string>& unused_rename() const { return unused_rename_; }

 private:
  explicit StateDict(std::shared_ptr<const Checkpoint> checkpoint) : checkpoint_(std::move(checkpoint)) {}
  void ReadMetadata(NodeId dict);
  void TakePart(const std::string& prefix);
  void MakeIndex();

  std::shared_ptr<const Checkpoint> checkpoint_;
  struct Index;
  std::vector<Entry> entries_, metadata_;  // metadata_: by module path
  std::shared_ptr<const Index> index_;     // of both
  std::shared_ptr<const KeyMapping> mapping_;
  std::vector<std::string> left_out_, unused_rename_;
  std::string unused_skip_;
  bool has_metadata_ = false;
  std::string key_error_;
};

}  // namespace loadpath

#endif  // LOADPATH_STATE_DICT_H_
