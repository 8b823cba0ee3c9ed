#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_TORCH_CALLS_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_TORCH_CALLS_H_

#include <cstdint>
#include <span>
#include <string>

#include "harness/checkpoint/pickle/storage_table.h"
#include "harness/checkpoint/pickle/unpickler.h"

namespace loadpath {

/// Gives torch.save's names and persistent ids their meaning, for both of its formats.
class TorchCalls : public Unpickler::Host {
 public:
  /// `opaque`: names that are not on PyTorch's list become inert objects, except for those that no checkpoint needs
  /// (IsBlocked).
  explicit TorchCalls(bool opaque = false) : opaque_(opaque) {}
  StorageTable& storages() { return storages_; }

  Value PersistentLoad(Unpickler& unpickler, std::span<const Value> id) override;
  Value Call(Unpickler& unpickler, std::uint32_t function, std::span<const Value> args) override;

 protected:
  /// Called at the first mention of a storage.
  virtual void CheckStorage(Unpickler& unpickler, const Storage& storage) = 0;
  /// Returns true if ids have a sixth element, view_metadata, and may be of "module" (the legacy format).
  virtual bool HasViews() const = 0;
  std::optional<Value> ResolveName(Unpickler& unpickler, std::string_view module, std::string_view name) override;
  std::string_view Advice() const override;

 private:
  Value RebuildTensor(Unpickler& unpickler, const Global& function, std::span<const Value> args);
  Value RebuildParameter(Unpickler& unpickler, std::span<const Value> args, bool with_state);
  Value RebuildFromType(Unpickler& unpickler, std::span<const Value> outer);
  Value CallContainer(Unpickler& unpickler, std::uint32_t function, std::span<const Value> args);
  Value CallScalar(Unpickler& unpickler, std::uint32_t function, std::span<const Value> args);

  bool opaque_;
  StorageTable storages_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_TORCH_CALLS_H_
