#include "harness/measure/page_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "harness/measure/scoped_fd.h"

namespace loadpath {
namespace {

Residency Measure(const ScopedFd& fd) {
  const std::uint64_t size = fd.size();
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  Residency residency{.pages = (size + page - 1) / page};
  if (size == 0) return residency;
  void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (address == MAP_FAILED) fd.Fail("cannot be mapped");
  std::vector<unsigned char> flags(residency.pages);
  const int rc = mincore(address, size, flags.data());
  munmap(address, size);
  if (rc != 0) fd.Fail("mincore failed");
  residency.resident = static_cast<std::uint64_t>(std::ranges::count_if(flags, [](auto flag) { return flag & 1; }));
  return residency;
}

template <class OfOne>
Residency Sum(std::span<const std::string> files, OfOne of_one) {
  Residency sum;
  for (const std::string& file : files) {
    const Residency one = of_one(file);
    sum.pages += one.pages;
    sum.resident += one.resident;
  }
  return sum;
}

}  // namespace

Residency ReadResidency(std::span<const std::string> files) {
  return Sum(files, [](const std::string& file) { return ReadResidency(file); });
}

Residency Evict(std::span<const std::string> files) {
  return Sum(files, [](const std::string& file) { return Evict(file); });
}

Residency Warm(std::span<const std::string> files) {
  return Sum(files, [](const std::string& file) { return Warm(file); });
}

Residency MakeHot(std::span<const std::string> files) {
  return Sum(files, [](const std::string& file) {
    Residency residency = ReadResidency(file);
    // Of the last per cent too: a mapped load waits for the disk at every page that is not there.
    if (residency.resident < residency.pages) residency = Warm(file);
    if (!residency.hot()) {
      throw NotAsWanted(file + ": only " + std::to_string(residency.resident) + " of its " +
                        std::to_string(residency.pages) +
                        " pages stay in the page cache, so it cannot be measured hot: free memory");
    }
    return residency;
  });
}

Residency ReadResidency(const std::string& file) { return Measure(ScopedFd(file, O_RDONLY)); }

Residency Evict(const std::string& file) {
  const ScopedFd fd(file, O_RDONLY);
  // The kernel does not drop dirty pages: DONTNEED only starts to write them.
  fdatasync(fd.get());
  posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  return Measure(fd);
}

Residency Warm(const std::string& file) {
  const ScopedFd fd(file, O_RDONLY);
  std::vector<char> buffer(1 << 20);
  ssize_t got = 0;
  while ((got = read(fd.get(), buffer.data(), buffer.size())) > 0) {
  }
  if (got < 0) fd.Fail("cannot be read");
  return Measure(fd);
}

}  // namespace loadpath
