#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_STORAGE_TABLE_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_STORAGE_TABLE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/hash_index.h"
#include "harness/checkpoint/pickle/globals.h"
#include "loadpath/checkpoint.h"

namespace loadpath {

/// The part of a storage that a persistent id names: all of it, except for the storage views of old files.
struct StorageRef {
  StorageId id = 0;
  std::uint32_t type = 0;    ///< GlobalAt(type): the storage type it was saved as
  std::uint64_t offset = 0;  ///< in bytes
  std::uint64_t nbytes = 0;
};

/// The storages that a pickle's persistent ids name, in the order of their first mention.
class StorageTable {
 public:
  /// Returns the storage `name`, which is made at its first mention.
  StorageId Get(std::string_view name, std::uint64_t nbytes, std::uint8_t itemsize, std::string_view location,
                bool* created) {
    const auto next = static_cast<StorageId>(storages_.size());
    const StorageId id =
        ids_.FindOrAdd(KeyedHash(name), next, [&](std::uint32_t other) { return storages_[other].name == name; });
    *created = id == next;
    if (*created) {
      storages_.push_back({std::string(name), nbytes, std::string(location)});
      itemsizes_.push_back(itemsize);
    }
    return id;
  }
  /// Returns HashIndex::kNone if no persistent id named it.
  StorageId Find(std::string_view name) const {
    return ids_.Find(KeyedHash(name), [&](std::uint32_t other) { return storages_[other].name == name; });
  }

  std::vector<Storage>& storages() { return storages_; }
  const std::vector<Storage>& storages() const { return storages_; }
  std::uint8_t itemsize(StorageId id) const { return itemsizes_[id]; }
  std::vector<StorageRef>& refs() { return refs_; }
  const std::vector<StorageRef>& refs() const { return refs_; }

 private:
  HashIndex ids_;
  std::vector<Storage> storages_;
  std::vector<std::uint8_t> itemsizes_;
  std::vector<StorageRef> refs_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_STORAGE_TABLE_H_
