#include "harness/results/text_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/base/error.h"

namespace loadpath {
namespace {

bool IsStandardOutput(const struct stat& file) {
  struct stat output {};
  return ::fstat(STDOUT_FILENO, &output) == 0 && output.st_dev == file.st_dev && output.st_ino == file.st_ino;
}

// Enough for a few rows of results: a disk with less has room for nothing.
constexpr std::uint64_t kLeastRoom = 65536;

[[noreturn]] void FailToWrite(const std::string& path) {
  throw CheckpointError(ErrorCode::kIo, path, std::string("cannot be written: ") + std::strerror(errno));
}

// Writes nothing: /dev/full, for one, refuses even that.
bool TakesBytes(int fd) { return ::write(fd, "", 0) == 0; }

}  // namespace

TextOutput::TextOutput(std::string path) : path_(std::move(path)) {
  struct stat status {};
  const bool is_there = ::stat(path_.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
  if (!is_there || (S_ISREG(status.st_mode) && !IsStandardOutput(status))) {
    file_.emplace(path_);
    file_->Reserve(kLeastRoom);
    return;
  }
  // Standard output is shared with what else is printed: opened anew, it would be written from its start again.
  fd_ = IsStandardOutput(status) ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                                 : ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd_ >= 0 && TakesBytes(fd_)) return;
  const int error = errno;
  if (fd_ >= 0) ::close(fd_);
  errno = error;
  FailToWrite(path_);
}

TextOutput::~TextOutput() {
  if (fd_ >= 0) ::close(fd_);
}

void TextOutput::Write(std::string_view text) {
  if (file_) {
    file_->WriteAt(0, text);
    file_->Commit();
    return;
  }
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd_, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) FailToWrite(path_);
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

void RequireWritable(const std::string& path) {
  struct stat status {};
  const bool is_there = ::stat(path.c_str(), &status) == 0;
  if (is_there && S_ISFIFO(status.st_mode)) return;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
  const bool has_room = fd >= 0 && (::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, kLeastRoom) == 0 || errno != ENOSPC);
  const bool good = has_room && TakesBytes(fd);
  const int error = errno;
  if (fd >= 0) ::close(fd);
  errno = error;
  if (!good) FailToWrite(path);
}

}  // namespace loadpath
