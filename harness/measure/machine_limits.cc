#include "harness/measure/machine_limits.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "harness/base/scoped_fd.h"
#include "harness/measure/counters.h"
#include "harness/measure/machine.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kBlock = std::uint64_t{4} << 20;

// Anonymous memory in 2 MiB pages, present before it is used.
class Buffer {
 public:
  explicit Buffer(std::uint64_t bytes) : bytes_(bytes) {
    void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) throw std::runtime_error("no memory for the scratch buffers of the machine's limits");
    data_ = static_cast<std::byte*>(address);
    madvise(data_, bytes, MADV_HUGEPAGE);
    std::memset(data_, 1, bytes);
  }
  ~Buffer() { munmap(data_, bytes_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  std::byte* data() const { return data_; }

 private:
  std::byte* data_;
  std::uint64_t bytes_;
};

// From the moment all threads stand ready until the last one is done. work(begin, end) returns false on a failure.
double Time(std::uint64_t bytes, int threads, const std::function<bool(std::uint64_t, std::uint64_t)>& work) {
  std::int64_t start = 0;
  std::barrier ready(threads, [&start]() noexcept { start = MonotonicNs(); });
  std::atomic<bool> good{true};
  std::vector<std::int64_t> ends(threads);
  {
    std::vector<std::jthread> pool;
    const std::uint64_t part = (bytes / threads + kBlock - 1) / kBlock * kBlock;
    for (int i = 0; i < threads; ++i) {
      pool.emplace_back([&, i] {
        const std::uint64_t begin = std::min(bytes, part * i), end = std::min(bytes, begin + part);
        ready.arrive_and_wait();
        if (!work(begin, end)) good = false;
        ends[i] = MonotonicNs();
      });
    }
  }
  if (!good) throw std::runtime_error("reading the scratch file failed");
  return static_cast<double>(*std::ranges::max_element(ends) - start) * 1e-9;
}

bool ReadBlocks(int fd, std::byte* to, std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    const ssize_t got = pread(fd, to + begin, std::min(kBlock, end - begin), static_cast<off_t>(begin));
    if (got <= 0) return false;
    begin += static_cast<std::uint64_t>(got);
  }
  return true;
}

std::string ScratchName(const std::string& directory) {
  return directory + "/.limits-" + std::to_string(getpid()) + ".tmp";
}

}  // namespace

struct Limits::Scratch {
  Scratch(const std::string& directory, std::uint64_t bytes)
      : from(bytes), to(bytes), file(ScratchName(directory), O_RDWR | O_CREAT | O_EXCL, 0600) {
    // O_DIRECT needs a second description of the file, which must be opened while it still has a name.
    direct = open(ScratchName(directory).c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
    unlink(ScratchName(directory).c_str());
    for (std::uint64_t done = 0; done < bytes;) {
      const ssize_t wrote = write(file.get(), from.data() + done, std::min(kBlock, bytes - done));
      if (wrote <= 0) file.Fail("cannot be written");
      done += static_cast<std::uint64_t>(wrote);
    }
    fdatasync(file.get());
  }
  ~Scratch() {
    if (direct >= 0) close(direct);
  }
  Buffer from, to;
  ScopedFd file;
  int direct = -1;
};

std::span<const std::string_view> Limits::Kinds() {
  static constexpr std::array<std::string_view, 4> kKinds = {"memcpy", "pread", "mmap", "disk"};
  return kKinds;
}

Limits::Limits(std::string directory, std::uint64_t bytes) : directory_(std::move(directory)), bytes_(bytes) {}
Limits::~Limits() = default;

double Limits::Run(std::string_view kind, int threads) {
  if (!scratch_) scratch_ = std::make_unique<Scratch>(directory_, bytes_);
  const Scratch& scratch = *scratch_;
  const int fd = scratch.file.get();
  std::byte* to = scratch.to.data();
  if (kind == "memcpy") {
    return Time(bytes_, threads, [&](auto begin, auto end) {
      std::memcpy(to + begin, scratch.from.data() + begin, end - begin);
      return true;
    });
  }
  if (kind == "pread") {
    return Time(bytes_, threads, [&](auto begin, auto end) { return ReadBlocks(fd, to, begin, end); });
  }
  if (kind == "mmap") {
    const std::int64_t start = MonotonicNs();
    void* address = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED) scratch.file.Fail("cannot be mapped");
    const double mapped = static_cast<double>(MonotonicNs() - start) * 1e-9;
    const double touched = Time(bytes_, threads, [&](auto begin, auto end) {
      const auto* page = static_cast<volatile const std::byte*>(address);
      for (auto at = begin; at < end; at += 4096) static_cast<void>(page[at]);
      return true;
    });
    munmap(address, bytes_);
    return mapped + touched;
  }
  if (kind == "disk") {
    const std::string filesystem = FilesystemOf(directory_);
    if (filesystem == "tmpfs" || filesystem == "ramfs")
      throw std::runtime_error("the data lies in memory (" + filesystem + ")");
    // Also for O_DIRECT: pages that are still cached would be served from memory.
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    const int source = scratch.direct >= 0 ? scratch.direct : fd;
    return Time(bytes_, threads, [&](auto begin, auto end) { return ReadBlocks(source, to, begin, end); });
  }
  throw std::runtime_error("no such limit: " + std::string(kind));
}

}  // namespace loadpath
