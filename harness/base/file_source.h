#ifndef LOADPATH_HARNESS_BASE_FILE_SOURCE_H_
#define LOADPATH_HARNESS_BASE_FILE_SOURCE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "harness/base/error.h"

namespace loadpath {

/// A regular file, open for positional reads. Thread-safe. Counts its read calls and bytes.
class FileSource {
 public:
  /// Throws CheckpointError kIo if the file cannot be opened or is not a regular file.
  explicit FileSource(std::string path);
  /// A file inside another: `length` bytes at `offset` of `outer`. `outer` must hold them and outlive this object; it
  /// counts the reads.
  FileSource(const FileSource& outer, std::uint64_t offset, std::uint64_t length)
      : path_(outer.path_), outer_(&outer), base_(offset), fd_(outer.fd_), size_(length) {}
  ~FileSource();
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  const std::string& path() const { return path_; }
  int fd() const { return fd_; }
  /// Returns the offset at which this file begins in the file that fd() is: 0, unless it lies inside another.
  std::uint64_t begin() const { return outer_ == nullptr ? 0 : outer_->begin() + base_; }
  std::uint64_t size() const { return size_; }

  /// Fills `dst` from `offset` on. Throws kIo if reading fails, or if the file ends before (it was cut since it was
  /// opened).
  void ReadAt(std::uint64_t offset, std::span<std::byte> dst) const;

  std::uint64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }
  std::uint64_t read_calls() const { return read_calls_.load(std::memory_order_relaxed); }

  [[noreturn]] void Fail(ErrorCode code, std::string_view sentence, std::string_view record = {},
                         std::uint64_t offset = CheckpointError::kNoOffset, std::string_view advice = {}) const {
    throw CheckpointError(code, path_, sentence, record, offset, advice);
  }

 private:
  std::string path_;
  const FileSource* outer_ = nullptr;
  std::uint64_t base_ = 0;  // in outer_
  int fd_ = -1;
  std::uint64_t size_ = 0;
  mutable std::atomic<std::uint64_t> bytes_read_{0}, read_calls_{0};
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_FILE_SOURCE_H_
