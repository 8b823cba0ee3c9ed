#include "harness/base/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "harness/base/error.h"
#include "harness/base/paths.h"

namespace loadpath {
namespace {

// For O_TMPFILE and fsync, which take the folder itself.
std::string FolderPath(const std::string& file) {
  const std::string folder = FolderOf(file);
  return folder.empty() ? "." : folder;
}

// Follows the symbolic links that `path` itself is, also to a file that is not there yet.
std::string Resolved(std::filesystem::path path) {
  constexpr int kMostLinks = 40;  // as Linux follows
  std::error_code none;
  for (int i = 0; i < kMostLinks && std::filesystem::is_symlink(path, none); ++i) {
    path = path.parent_path() / std::filesystem::read_symlink(path, none);
  }
  return path.string();
}

}  // namespace

NewFile::NewFile(std::string path) : path_(std::move(path)) {
  struct stat status {};
  const bool is_there = ::stat(path_.c_str(), &status) == 0;
  if (!is_there && errno == ELOOP) Fail(ELOOP);
  if (path_.empty() || path_.ends_with('/') || (is_there && S_ISDIR(status.st_mode)))
    Fail(path_.empty() ? ENOENT : EISDIR);
  if (is_there && !S_ISREG(status.st_mode)) {
    throw CheckpointError(ErrorCode::kIo, path_, "cannot be replaced, because it is no regular file; name another");
  }
  path_ = Resolved(path_);
  if (is_there && ::faccessat(AT_FDCWD, path_.c_str(), W_OK, AT_EACCESS) != 0) Fail(errno);
  fd_ = ::open(FolderPath(path_).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (fd_ >= 0) return;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) Fail(errno);
  temporary_ = path_ + "." + std::to_string(::getpid()) + ".tmp";
  fd_ = ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
  if (fd_ >= 0) return;
  const int error = errno;
  temporary_.clear();
  Fail(error);
}

NewFile::~NewFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void NewFile::Fail(int error) const {
  throw CheckpointError(ErrorCode::kIo, path_, std::string("cannot be written: ") + std::strerror(error));
}

void NewFile::Reserve(std::uint64_t bytes) const {
  if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0) return;
  if (errno == ENOSPC || errno == EDQUOT) Fail(errno);
}

void NewFile::WriteAt(std::uint64_t offset, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    // Linux writes at most 2 GiB at once.
    const ssize_t wrote = ::pwrite(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), std::size_t{1} << 30),
                                   static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) Fail(errno);
    if (wrote == 0) Fail(ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
}

std::string NewFile::ReadablePath() const { return "/proc/self/fd/" + std::to_string(fd_); }

void NewFile::Commit() {
  if (::fsync(fd_) != 0) Fail(errno);
  if (temporary_.empty()) {
    const std::string name = path_ + "." + std::to_string(::getpid()) + ".tmp";
    if (::linkat(AT_FDCWD, ReadablePath().c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) Fail(errno);
    temporary_ = name;
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) Fail(errno);
  temporary_.clear();
  // The name is on the disk once its folder is. Some filesystems cannot do that.
  const int folder = ::open(FolderPath(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void RefuseToOverwrite(const std::string& output, std::span<const std::string> files, std::string_view what) {
  struct stat out {};
  if (::stat(output.c_str(), &out) != 0) return;
  for (const std::string& file : files) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0 || status.st_dev != out.st_dev || status.st_ino != out.st_ino) continue;
    throw CheckpointError(ErrorCode::kIo, output, "is " + std::string(what) + "; name another file to write");
  }
}

}  // namespace loadpath
