#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_ITEMS_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_ITEMS_H_

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harness/checkpoint/formats/dcp/metadata.h"
#include "harness/checkpoint/formats/single_file.h"
#include "harness/checkpoint/read/records.h"

namespace loadpath {

/// The archives inside a distributed checkpoint's .distcp files, opened one by one as they are needed. Thread-safe
/// after construction, once Expect was called for every chunk.
class DcpItems {
 public:
  /// The elements of a chunk, as its archive holds them.
  struct Place {
    std::uint64_t offset = 0;  ///< of its storage's bytes in the .distcp file
    std::optional<std::uint32_t> crc;
    std::unique_ptr<const TensorView> odd;  ///< if they are not plainly in row-major order
  };

  /// Opens all files, which lie in the folder of `metadata_path`, and checks that the items lie in them and do not
  /// overlap. Throws CheckpointError.
  DcpItems(const DcpMetadata& metadata, const std::string& metadata_path, const OpenOptions& options);
  ~DcpItems();

  std::size_t file_count() const { return files_.size(); }
  const FileSource& source(std::uint32_t file) const { return *files_[file]; }
  /// The byte order of the first chunk that was opened. The others must have the same.
  bool HasByteOrder() const { return byteorder_.load(std::memory_order_relaxed) != kUnknown; }
  bool IsBigEndian() const { return byteorder_.load(std::memory_order_relaxed) == kBig; }

  /// Records that an item is a chunk of `nbytes` bytes. Throws if it is too short for that.
  void Expect(std::uint32_t number, std::uint64_t nbytes);

  bool IsKnown(std::uint32_t number) const { return places_[number].load(std::memory_order_acquire) != nullptr; }
  const Place& Known(std::uint32_t number) const { return *places_[number].load(std::memory_order_acquire); }
  /// Returns the place of a chunk, which is opened the first time. It must be a dense tensor of its entry's dtype and
  /// of `sizes`, alone in its storage.
  const Place& Find(std::uint32_t number, const std::vector<std::int64_t>& sizes) const;

  /// Opens an item's archive.
  std::shared_ptr<const SingleFile> OpenItem(std::uint32_t number) const;

  /// Returns the files as ReadRecords takes them. Their storages are the items, and all that are read must be known.
  std::vector<RecordFile> RecordFiles(bool swapped) const;

  std::uint64_t bytes_read() const;
  std::uint64_t read_calls() const;

 private:
  enum ByteOrder : int { kUnknown, kLittle, kBig };

  class File;

  [[noreturn]] void Fail(std::uint32_t number, ErrorCode code, const std::string& sentence) const;
  /// Throws if a tensor's place holds a safetensors file: the other refusals of such an item do not say why.
  void RefuseSafetensors(std::uint32_t number) const;

  const DcpMetadata& metadata_;
  const OpenOptions options_;
  std::vector<std::unique_ptr<FileSource>> files_;
  std::vector<std::unique_ptr<File>> records_;
  std::vector<Storage> storages_;  // by item; only sizes
  std::unique_ptr<std::atomic<const Place*>[]> places_;
  mutable std::array<std::mutex, 64> locks_;  // an item's is the one of its number modulo 64: each is opened once
  mutable std::atomic<int> byteorder_{kUnknown};
  Payloads payloads_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_ITEMS_H_
