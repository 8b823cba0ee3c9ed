#ifndef LOADPATH_HARNESS_MEASURE_SCOPED_FD_H_
#define LOADPATH_HARNESS_MEASURE_SCOPED_FD_H_

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace loadpath {

/// An open file that is closed with its scope. Failures are std::runtime_error, "FILE: SENTENCE: why".
class ScopedFd {
 public:
  ScopedFd(std::string name, int flags, unsigned mode = 0) : name_(std::move(name)) {
    fd_ = open(name_.c_str(), flags | O_CLOEXEC, mode);
    if (fd_ < 0) Fail("cannot be opened");
  }
  ~ScopedFd() { close(fd_); }
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;

  int get() const { return fd_; }
  std::uint64_t size() const {
    struct stat status {};
    if (fstat(fd_, &status) != 0) Fail("has no size");
    return static_cast<std::uint64_t>(status.st_size);
  }
  [[noreturn]] void Fail(const std::string& sentence) const {
    throw std::runtime_error(name_ + ": " + sentence + ": " + std::strerror(errno));
  }

 private:
  std::string name_;
  int fd_ = -1;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_SCOPED_FD_H_
