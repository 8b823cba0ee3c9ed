#ifndef LOADPATH_TESTS_CHECKPOINT_MEMORY_FILE_H_
#define LOADPATH_TESTS_CHECKPOINT_MEMORY_FILE_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace loadpath {

/// A file in memory with a path of its own.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes = {})
      : fd_(::memfd_create("checkpoint", MFD_CLOEXEC)), path_("/proc/self/fd/" + std::to_string(fd_)) {
    Write(bytes);
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  const std::string& path() const { return path_; }
  void Write(std::string_view bytes) const {
    if (::ftruncate(fd_, static_cast<off_t>(bytes.size())) != 0 ||
        ::pwrite(fd_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("cannot write a file in memory");
    }
  }

 private:
  int fd_;
  std::string path_;
};

/// `value` as little-endian bytes.
template <typename T>
std::string Bytes(T value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
  return bytes;
}

/// torch.save's legacy container around a pickle by hand: `keys` and `data` as they follow the object's pickle.
inline std::string Legacy(std::string_view pickle, std::string_view keys = "].", std::string_view data = {}) {
  using namespace std::string_literals;
  return "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}."s + std::string(pickle) +
         std::string(keys) + std::string(data);
}

}  // namespace loadpath

#endif  // LOADPATH_TESTS_CHECKPOINT_MEMORY_FILE_H_
