// Preload this into ckpt to make pread fail as an operating system may. LOADPATH_FAULT says how, LOADPATH_FAULT_AT at
// which call, counted from 0; without it every call fails.
//   eio     the call fails with EIO
//   eintr   every second call fails with EINTR
//   short   the call returns one byte
//   cut     before the call, the file is cut to nothing
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

ssize_t Pread(const char* name, int fd, void* buffer, size_t count, off_t offset) {
  static std::atomic<int> calls{0};
  static const auto real = reinterpret_cast<ssize_t (*)(int, void*, size_t, off_t)>(::dlsym(RTLD_NEXT, name));
  const char* fault = std::getenv("LOADPATH_FAULT");
  const char* at = std::getenv("LOADPATH_FAULT_AT");
  const int call = calls++;
  const std::string_view what = fault != nullptr && (at == nullptr || call == std::atoi(at)) ? fault : "";
  if (what == "eio" || (what == "eintr" && call % 2 == 0)) {
    errno = what == "eio" ? EIO : EINTR;
    return -1;
  }
  if (what == "short") count = std::min<size_t>(count, 1);
  if (what == "cut" && ::truncate(("/proc/self/fd/" + std::to_string(fd)).c_str(), 0) != 0) std::abort();
  return real(fd, buffer, count, offset);
}

}  // namespace

extern "C" ssize_t pread(int fd, void* buffer, size_t count, off_t offset) {
  return Pread("pread", fd, buffer, count, offset);
}
extern "C" ssize_t pread64(int fd, void* buffer, size_t count, off64_t offset) {
  return Pread("pread64", fd, buffer, count, offset);
}
