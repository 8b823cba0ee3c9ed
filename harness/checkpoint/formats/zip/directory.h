#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_DIRECTORY_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_DIRECTORY_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/file_source.h"
#include "harness/base/hash_index.h"
#include "harness/checkpoint/huge_pages.h"

namespace loadpath {

/// One entry of a zip archive's central directory (PKWARE APPNOTE 6.3.10 section 4.3.12).
struct ZipRecord {
  std::uint64_t header = 0;  ///< offset of the local header
  std::uint64_t slot = 0;    ///< bytes from there to the next record's header or to the directory
  std::uint64_t stored = 0;  ///< bytes in the file
  std::uint64_t size = 0;    ///< bytes after inflating
  std::uint32_t crc = 0;
  std::uint32_t name_offset = 0;  ///< of the name in the directory
  std::uint16_t name_size = 0;
  std::uint16_t method = 0;  ///< 0 stored, 8 deflated
};

/// The directory of a zip archive as torch.save writes it (miniz): one disk, no encryption, stored or deflated records
/// that do not overlap, one root folder. Reads only the end of the file. Strict: refuses contradictions, because two
/// readers of such a file could see two different checkpoints.
class ZipDirectory {
 public:
  static constexpr std::size_t kLocalHeaderBytes = 30;

  /// Throws CheckpointError kBadArchive.
  explicit ZipDirectory(const FileSource& source);

  std::span<const ZipRecord> records() const { return records_; }
  std::string_view name(const ZipRecord& record) const {
    return {directory_.data() + record.name_offset, record.name_size};
  }
  /// The folder that holds all records, with its slash: "archive/".
  std::string_view root() const { return root_; }
  /// Returns the record `root() + name`, or nullptr.
  const ZipRecord* Find(std::string_view name) const;

  /// Checks the local header against the directory and returns the offset of the payload. `head` holds the file's bytes
  /// from the local header on, at least kLocalHeaderBytes + name_size of them.
  std::uint64_t Payload(const ZipRecord& record, std::span<const std::byte> head) const;

  /// Reads a whole record, inflates and checks it. If `crc` is true and there is a checksum, compares it.
  std::vector<std::byte> Read(const ZipRecord& record, bool crc) const;

 private:
  void ReadEnd();
  void ParseEntries(std::uint64_t count);
  void CheckExtents(std::uint64_t directory_offset);
  void IndexNames();
  bool HoldsCheckpoint() const;
  std::string_view Inner(std::uint32_t number) const { return name(records_[number]).substr(root_.size()); }
  [[noreturn]] void Bad(std::string_view sentence, std::uint64_t offset = CheckpointError::kNoOffset) const;
  [[noreturn]] void Bad(std::string_view sentence, const ZipRecord& record) const;

  const FileSource& source_;
  LargeVector<char> directory_;
  LargeVector<ZipRecord> records_;
  std::string root_;
  HashIndex by_name_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_DIRECTORY_H_
