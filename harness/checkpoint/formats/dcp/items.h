#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_ITEMS_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_ITEMS_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/checkpoint/formats/dcp/metadata.h"
#include "harness/checkpoint/formats/single_file.h"
#include "harness/checkpoint/read/records.h"

namespace loadpath {

/// The archives inside a distributed checkpoint's .distcp files, opened one by one as they are needed. Thread-safe once
/// it was made and Expect was called for every chunk.
class DcpItems {
 public:
  /// A chunk's elements, as its archive holds them.
  struct Place {
    std::uint64_t offset = 0;  ///< of its storage's bytes in the .distcp file
    std::optional<std::uint32_t> crc;
    std::unique_ptr<const TensorView> odd;  ///< where they are not plainly in row-major order
  };

  /// Opens all files in `folder` and checks that the items lie in them and do not overlap. Throws CheckpointError.
  DcpItems(const DcpMetadata& metadata, const std::string& folder, const OpenOptions& options);
  ~DcpItems();

  std::size_t file_count() const { return files_.size(); }
  const Source& source(std::uint32_t file) const { return *files_[file]; }
  /// What the first chunk that was opened has; the others must have the same.
  bool HasByteOrder() const { return byteorder_.load(std::memory_order_relaxed) != kUnknown; }
  bool IsBigEndian() const { return byteorder_.load(std::memory_order_relaxed) == kBig; }

  /// Says that an item is a chunk of `nbytes` bytes; throws where it is too short for that.
  void Expect(std::uint32_t item, std::uint64_t nbytes);

  bool IsKnown(std::uint32_t item) const { return places_[item].load(std::memory_order_acquire) != nullptr; }
  const Place& Known(std::uint32_t item) const { return *places_[item].load(std::memory_order_acquire); }
  /// Opens a chunk where that was not done yet: it must be a dense tensor of its entry's dtype and of `sizes`, alone in
  /// its storage.
  const Place& Find(std::uint32_t item, const std::vector<std::int64_t>& sizes) const;

  /// An item's archive.
  std::shared_ptr<const SingleFile> OpenItem(std::uint32_t item) const;

  /// The files as ReadRecords takes them, whose storages are the items: all that are read must be known.
  std::vector<RecordFile> RecordFiles(bool swapped) const;

  std::uint64_t bytes_read() const;
  std::uint64_t read_calls() const;

 private:
  enum ByteOrder : int { kUnknown, kLittle, kBig };

  class File;

  [[noreturn]] void Fail(std::uint32_t item, ErrorCode code, const std::string& sentence) const;
  /// Throws where a tensor's place holds a safetensors file: what an item is refused for otherwise does not say why.
  void RefuseSafetensors(std::uint32_t item) const;

  const DcpMetadata& metadata_;
  const OpenOptions options_;
  std::vector<std::unique_ptr<Source>> files_;
  std::vector<std::unique_ptr<File>> records_;
  std::vector<Storage> storages_;  // by item; only sizes
  std::unique_ptr<std::atomic<const Place*>[]> places_;
  mutable std::atomic<int> byteorder_{kUnknown};
  Payloads payloads_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_ITEMS_H_
