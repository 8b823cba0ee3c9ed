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

}  // namespace

TextOutput::TextOutput(std::string path) : path_(std::move(path)) {
  struct stat status {};
  const bool is_there = ::stat(path_.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
  if (!is_there || (S_ISREG(status.st_mode) && !IsStandardOutput(status))) {
    file_.emplace(path_);
    return;
  }
  // Standard output is shared with what else is printed: opened anew, it would be written from its start again.
  fd_ = IsStandardOutput(status) ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                                 : ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd_ < 0) Fail();
}

TextOutput::~TextOutput() {
  if (fd_ >= 0) ::close(fd_);
}

void TextOutput::Fail() const {
  throw CheckpointError(ErrorCode::kIo, path_, std::string("cannot be written: ") + std::strerror(errno));
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
    if (wrote < 0) Fail();
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

}  // namespace loadpath
