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

FileSource::FileSource(std::string path) : path_(std::move(path)) {
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

FileSource::~FileSource() {
  if (outer_ == nullptr) ::close(fd_);
}

void FileSource::ReadAt(std::uint64_t offset, std::span<std::byte> dst) const {
  if (outer_ != nullptr) {
    if (offset > size_ || dst.size() > size_ - offset)
      Fail(ErrorCode::kBadArchive, "has a file inside it that ends too early", {}, base_ + size_);
    return outer_->ReadAt(base_ + offset, dst);
  }
  while (!dst.empty()) {
    const ssize_t got = ::pread(fd_, dst.data(), std::min(dst.size(), kMaxTransfer), static_cast<off_t>(offset));
    read_calls_.fetch_add(1, std::memory_order_relaxed);
    if (got < 0) {
      if (errno == EINTR) continue;
      Fail(ErrorCode::kIo, std::string("cannot be read: ") + std::strerror(errno), {}, offset);
    }
    if (got == 0)
      Fail(ErrorCode::kIo, "ends before the bytes that its directory lists: it was cut while it was open", {}, offset);
    bytes_read_.fetch_add(static_cast<std::uint64_t>(got), std::memory_order_relaxed);
    offset += static_cast<std::uint64_t>(got);
    dst = dst.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace loadpath
