#ifndef LOADPATH_HARNESS_CHECKPOINT_READ_RECORDS_H_
#define LOADPATH_HARNESS_CHECKPOINT_READ_RECORDS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "harness/base/file_source.h"
#include "loadpath/checkpoint.h"

namespace loadpath {

/// The place of a storage's record, header included, as far as it is known without reading the file.
struct Slot {
  std::uint64_t offset = 0;  ///< of the record's header
  std::uint64_t length = 0;  ///< to the end of its payload, or later
  std::size_t head = 0;      ///< bytes from `offset` on that ParseHead needs
  std::uint64_t stored = 0;  ///< payload bytes in the file
  bool deflated = false;
  std::optional<std::uint32_t> crc;  ///< of the payload, inflated
};

/// The interface of a format with one file to the read engine.
class Records {
 public:
  virtual ~Records() = default;
  virtual const FileSource& source() const = 0;
  virtual Slot SlotOf(StorageId storage) const = 0;
  virtual std::string RecordName(StorageId storage) const = 0;
  /// Validates the header and returns the payload's offset in the file. Throws CheckpointError.
  virtual std::uint64_t ParseHead(StorageId storage, std::span<const std::byte> head) const = 0;
};

/// Payload offsets found so far, by storage. Each header is read and checked once, by one thread: the others wait for
/// it, so that the number of read calls does not depend on which thread comes first. Thread-safe.
class Payloads {
 public:
  explicit Payloads(std::size_t count) : offsets_(std::make_unique<std::atomic<std::uint64_t>[]>(count)) {}

  std::optional<std::uint64_t> Known(StorageId storage) const {
    const std::uint64_t value = offsets_[storage].load(std::memory_order_relaxed);
    if (value == 0) return std::nullopt;
    return value - 1;
  }
  void Remember(StorageId storage, std::uint64_t offset) const {
    offsets_[storage].store(offset + 1, std::memory_order_relaxed);
  }

  /// Returns the payload's offset. Reads the header if the offset is not known yet.
  std::uint64_t Find(const Records& records, StorageId storage) const;

 private:
  std::unique_ptr<std::atomic<std::uint64_t>[]> offsets_;  // plus 1; 0: not known
  mutable std::array<std::mutex, 64> locks_;               // a storage's is the one of its number modulo 64
};

/// A file that a read takes from. Storages are numbered within it.
struct RecordFile {
  const Records* records = nullptr;
  const Payloads* payloads = nullptr;
  std::span<const Storage> storages;
  bool swapped = false;
};

/// Implements Checkpoint::Read for every format. The storage of job i is one of files[file_of[i]], or of files[0] if
/// `file_of` is empty. Several threads read large records in chunks, straight into the destination, and sum each chunk
/// while it is in the cache. Small neighbours are read together. The threads share the jobs of all files. `path` is the
/// checkpoint's, for the message that the read was cancelled.
ReadReport ReadRecords(const std::string& path, std::span<const RecordFile> files,
                       std::span<const std::uint32_t> file_of, std::span<const ReadJob> jobs,
                       const ReadOptions& options);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_READ_RECORDS_H_
