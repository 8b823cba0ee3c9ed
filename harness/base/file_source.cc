#include "harness/base/file_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace loadpath {
namespace {

// Linux transfers at most 0x7ffff000 bytes a call. A round number below that keeps requests aligned.
constexpr std::size_t kMaxTransfer = std::size_t{1} << 30;

const char* KindOfFile(mode_t mode) {
  if (S_ISDIR(mode)) return "is a directory, not a checkpoint file";
  if (S_ISFIFO(mode)) return "is a FIFO; a checkpoint must be a regular file";
  if (S_ISSOCK(mode)) return "is a socket; a checkpoint must be a regular file";
  return "is a device; a checkpoint must be a regular file";
}

}  // namespace

std::span<const std::byte> FileSource::Get(std::uint64_t offset, std::size_t length,
                                           std::vector<std::byte>& buffer) const {
  if (buffer.size() < length) buffer.resize(length);
  const std::span<std::byte> dst = std::span(buffer).first(length);
  ReadAt(offset, dst);
  return dst;
}

void FileSource::FailAsCut(std::uint64_t offset) const {
  Fail(ErrorCode::kIo, "ends before the bytes that its directory lists: it was cut while it was open", {}, offset);
}

RegularFile::RegularFile(std::string path) : FileSource(std::move(path)) {
  if (path_.find('\0') != std::string::npos) Fail(ErrorCode::kIo, "cannot be opened: the name contains a NUL byte");
  do {
    // Without O_NONBLOCK, opening a FIFO that nobody writes to waits for ever.
    fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  } while (fd_ < 0 && errno == EINTR);
  if (fd_ < 0) Fail(ErrorCode::kIo, std::string("cannot be opened: ") + std::strerror(errno));
  struct stat status {};
  if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd_);
    Fail(ErrorCode::kIo, KindOfFile(status.st_mode));
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

RegularFile::~RegularFile() { ::close(fd_); }

void RegularFile::ReadAt(std::uint64_t offset, std::span<std::byte> dst) const {
  while (!dst.empty()) {
    const ssize_t got = ::pread(fd_, dst.data(), std::min(dst.size(), kMaxTransfer), static_cast<off_t>(offset));
    CountCall();
    if (got < 0) {
      if (errno == EINTR) continue;
      Fail(ErrorCode::kIo, std::string("cannot be read: ") + std::strerror(errno), {}, offset);
    }
    if (got == 0) FailAsCut(offset);
    CountBytes(static_cast<std::uint64_t>(got));
    offset += static_cast<std::uint64_t>(got);
    dst = dst.subspan(static_cast<std::size_t>(got));
  }
}

void InnerFile::CheckRange(std::uint64_t offset, std::size_t length) const {
  if (offset > size_ || length > size_ - offset)
    Fail(ErrorCode::kBadArchive, "has a file inside it that ends too early", {}, base_ + size_);
}

void InnerFile::ReadAt(std::uint64_t offset, std::span<std::byte> dst) const {
  CheckRange(offset, dst.size());
  outer_.ReadAt(base_ + offset, dst);
}

std::span<const std::byte> InnerFile::Get(std::uint64_t offset, std::size_t length,
                                          std::vector<std::byte>& buffer) const {
  CheckRange(offset, length);
  return outer_.Get(base_ + offset, length, buffer);
}

}  // namespace loadpath
