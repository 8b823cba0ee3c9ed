#ifndef LOADPATH_HARNESS_BASE_FILE_SOURCE_H_
#define LOADPATH_HARNESS_BASE_FILE_SOURCE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "harness/base/error.h"

namespace loadpath {

/// A regular file, open for positional reads. Thread-safe; counts what it reads.
class Source {
 public:
  /// Throws CheckpointError kIo: not there, no permission, not a regular file.
  explicit Source(std::string path);
  /// `length` bytes at `offset` of `outer`, which outlives it and counts its reads: a file inside an archive. They lie
  /// in it.
  Source(const Source& outer, std::uint64_t offset, std::uint64_t length)
      : path_(outer.path_), outer_(&outer), base_(offset), fd_(outer.fd_), size_(length) {}
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const std::string& path() const { return path_; }
  int fd() const { return fd_; }
  /// Where this file begins in the one that fd() is: 0 but for a file inside another.
  std::uint64_t begin() const { return outer_ == nullptr ? 0 : outer_->begin() + base_; }
  std::uint64_t size() const { return size_; }

  /// Fills `dst` from `offset`; throws kIo where the file ends before (it was cut since it was opened) or fails.
  void ReadAt(std::uint64_t offset, std::span<std::byte> dst) const;

  std::uint64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }
  std::uint64_t read_calls() const { return read_calls_.load(std::memory_order_relaxed); }

  [[noreturn]] void Fail(ErrorCode code, std::string_view sentence, std::string_view record = {},
                         std::uint64_t offset = CheckpointError::kNoOffset) const {
    throw CheckpointError(code, path_, sentence, record, offset);
  }

 private:
  std::string path_;
  const Source* outer_ = nullptr;
  std::uint64_t base_ = 0;  // in outer_
  int fd_ = -1;
  std::uint64_t size_ = 0;
  mutable std::atomic<std::uint64_t> bytes_read_{0}, read_calls_{0};
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_FILE_SOURCE_H_
