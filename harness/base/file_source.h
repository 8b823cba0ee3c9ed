#ifndef LOADPATH_HARNESS_BASE_FILE_SOURCE_H_
#define LOADPATH_HARNESS_BASE_FILE_SOURCE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/base/error.h"

namespace loadpath {

/// Where the bytes of a file come from: a regular file, a file inside another one, memory or a function
/// (memory_source.h). Thread-safe. Counts its read calls and bytes.
class FileSource {
 public:
  virtual ~FileSource() = default;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  const std::string& path() const { return path_; }  ///< or the name that stands for it
  std::uint64_t size() const { return size_; }
  /// Returns the open file, or -1 if there is none.
  virtual int fd() const { return -1; }
  /// Returns the offset at which this file begins in the file that fd() is: 0, unless it lies inside another.
  virtual std::uint64_t begin() const { return 0; }

  /// Fills `dst` from `offset` on. Throws kIo if reading fails, or if the file ends before (it was cut since it was
  /// opened).
  virtual void ReadAt(std::uint64_t offset, std::span<std::byte> dst) const = 0;
  /// Returns `length` bytes from `offset` on, and counts them as read. They are in `buffer`, which grows if it must,
  /// unless they are in memory already.
  virtual std::span<const std::byte> Get(std::uint64_t offset, std::size_t length,
                                         std::vector<std::byte>& buffer) const;

  std::uint64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }
  std::uint64_t read_calls() const { return read_calls_.load(std::memory_order_relaxed); }

  [[noreturn]] void Fail(ErrorCode code, std::string_view sentence, std::string_view record = {},
                         std::uint64_t offset = CheckpointError::kNoOffset, std::string_view advice = {}) const {
    throw CheckpointError(code, path_, sentence, record, offset, advice);
  }

 protected:
  explicit FileSource(std::string path, std::uint64_t size = 0) : path_(std::move(path)), size_(size) {}

  void CountCall() const { read_calls_.fetch_add(1, std::memory_order_relaxed); }
  void CountBytes(std::uint64_t bytes) const { bytes_read_.fetch_add(bytes, std::memory_order_relaxed); }
  [[noreturn]] void FailAsCut(std::uint64_t offset) const;

  std::string path_;
  std::uint64_t size_;

 private:
  mutable std::atomic<std::uint64_t> bytes_read_{0}, read_calls_{0};
};

/// A regular file, open for positional reads.
class RegularFile final : public FileSource {
 public:
  /// Throws CheckpointError kIo if the file cannot be opened or is not a regular file.
  explicit RegularFile(std::string path);
  ~RegularFile() override;

  int fd() const override { return fd_; }
  void ReadAt(std::uint64_t offset, std::span<std::byte> dst) const override;

 private:
  int fd_ = -1;
};

/// A file inside another: `length` bytes at `offset` of `outer`. `outer` must hold them and outlive this object; it
/// counts the reads.
class InnerFile final : public FileSource {
 public:
  InnerFile(const FileSource& outer, std::uint64_t offset, std::uint64_t length)
      : FileSource(outer.path(), length), outer_(outer), base_(offset) {}

  int fd() const override { return outer_.fd(); }
  std::uint64_t begin() const override { return outer_.begin() + base_; }
  void ReadAt(std::uint64_t offset, std::span<std::byte> dst) const override;
  std::span<const std::byte> Get(std::uint64_t offset, std::size_t length,
                                 std::vector<std::byte>& buffer) const override;

 private:
  void CheckRange(std::uint64_t offset, std::size_t length) const;

  const FileSource& outer_;
  const std::uint64_t base_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_FILE_SOURCE_H_
