#ifndef LOADPATH_HARNESS_CHECKPOINT_STORAGE_TABLE_H_
#define LOADPATH_HARNESS_CHECKPOINT_STORAGE_TABLE_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/checkpoint/checkpoint.h"
#include "harness/checkpoint/globals.h"

namespace loadpath {

/// A part of a storage, as a persistent id names it: the whole, but for the views of old files.
struct StorageRef {
  StorageId id = 0;
  std::uint32_t type = 0;         ///< GlobalAt(type): the storage type it was saved as
  std::uint64_t offset = 0;       ///< in bytes
  std::uint64_t nbytes = 0;
};

/// The storages that a pickle's persistent ids name, in the order of their first mention.
class StorageTable {
 public:
  /// The storage `name`, made at its first mention.
  StorageId Get(const std::string& name, std::uint64_t nbytes, std::uint8_t itemsize, std::string_view location, bool* created) {
    const auto [found, is_new] = ids_.try_emplace(name, static_cast<StorageId>(storages_.size()));
    if (is_new) {
      storages_.push_back({name, nbytes, std::string(location)});
      itemsizes_.push_back(itemsize);
    }
    *created = is_new;
    return found->second;
  }
  const StorageId* Find(const std::string& name) const {
    const auto found = ids_.find(name);
    return found == ids_.end() ? nullptr : &found->second;
  }

  std::vector<Storage>& storages() { return storages_; }
  const std::vector<Storage>& storages() const { return storages_; }
  std::uint8_t itemsize(StorageId id) const { return itemsizes_[id]; }
  std::vector<StorageRef>& refs() { return refs_; }
  const std::vector<StorageRef>& refs() const { return refs_; }

 private:
  std::unordered_map<std::string, StorageId> ids_;
  std::vector<Storage> storages_;
  std::vector<std::uint8_t> itemsizes_;
  std::vector<StorageRef> refs_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_STORAGE_TABLE_H_
