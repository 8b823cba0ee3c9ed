#include "harness/measure/machine_limits.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstring>
#include <ctime>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "harness/base/stopwatch.h"
#include "harness/measure/machine.h"
#include "harness/measure/scoped_fd.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kBlock = std::uint64_t{4} << 20;

// Processor time of the thread that asks.
std::int64_t ThreadCpuNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// Returns what is spent from the moment when all threads stand ready until the last one is done. work(begin, end)
// returns false if it fails.
Limits::Cost Time(std::uint64_t bytes, int threads, const std::function<bool(std::uint64_t, std::uint64_t)>& work) {
  std::int64_t start = 0;
  std::barrier ready(threads, [&start]() noexcept { start = MonotonicNs(); });
  std::atomic<bool> good{true};
  std::atomic<std::int64_t> cpu_ns{0};
  std::vector<std::int64_t> ends(threads);
  {
    std::vector<std::jthread> pool;
    pool.reserve(static_cast<std::size_t>(threads));
    const std::uint64_t part = (bytes / threads + kBlock - 1) / kBlock * kBlock;
    for (int i = 0; i < threads; ++i) {
      pool.emplace_back([&, i] {
        const std::uint64_t begin = std::min(bytes, part * i), end = std::min(bytes, begin + part);
        ready.arrive_and_wait();
        const std::int64_t cpu_start = ThreadCpuNs();
        if (!work(begin, end)) good = false;
        cpu_ns += ThreadCpuNs() - cpu_start;
        ends[i] = MonotonicNs();
      });
    }
  }
  if (!good) throw std::runtime_error("the scratch file of the machine's limits cannot be read");
  return {static_cast<double>(*std::ranges::max_element(ends) - start) * 1e-9, cpu_ns};
}

bool ReadBlocks(int fd, std::byte* to, std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    const ssize_t got = pread(fd, to + begin, std::min(kBlock, end - begin), static_cast<off_t>(begin));
    if (got <= 0) return false;
    begin += static_cast<std::uint64_t>(got);
  }
  return true;
}

}  // namespace

// Anonymous memory in 2 MiB pages, made present when it is constructed.
class Limits::Buffer {
 public:
  explicit Buffer(std::uint64_t bytes) : bytes_(bytes) {
    void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED)
      throw std::runtime_error("there is no memory for the scratch buffers of the machine's limits");
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

struct Limits::Memory {
  explicit Memory(std::uint64_t bytes) : from(bytes), to(bytes) {}
  Buffer from, to;
};

// A scratch file that has no name any more.
class Limits::File {
 public:
  File(const std::string& directory, const Buffer& content, std::uint64_t bytes)
      : File(directory + "/.limits-" + std::to_string(getpid()) + ".tmp") {
    for (std::uint64_t done = 0; done < bytes;) {
      const ssize_t wrote = write(fd_.get(), content.data() + done, std::min(kBlock, bytes - done));
      if (wrote <= 0) fd_.Fail("cannot be written");
      done += static_cast<std::uint64_t>(wrote);
    }
    fdatasync(fd_.get());
  }
  ~File() {
    if (direct_ >= 0) close(direct_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const ScopedFd& fd() const { return fd_; }
  int direct() const { return direct_ >= 0 ? direct_ : fd_.get(); }
  // A path that leads to it for as long as it is open.
  std::string Path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  explicit File(const std::string& name) : fd_(name, O_RDWR | O_CREAT | O_EXCL, 0600) {
    // O_DIRECT needs a second description of the file, which must be opened while the file still has a name.
    direct_ = open(name.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
    unlink(name.c_str());
  }
  ScopedFd fd_;
  int direct_ = -1;
};

std::span<const std::string_view> Limits::Kinds() {
  static constexpr std::array<std::string_view, 4> kKinds = {"memcpy", "pread", "mmap", "disk"};
  return kKinds;
}

Limits::Limits(std::string directory, std::uint64_t bytes) : directory_(std::move(directory)), bytes_(bytes) {}
Limits::~Limits() = default;

Limits::Cost Limits::Run(std::string_view kind, int threads) {
  if (std::ranges::find(Kinds(), kind) == Kinds().end())
    throw std::runtime_error("no such limit: " + std::string(kind));
  if (kind == "disk") {
    const std::string filesystem = FilesystemOf(directory_);
    if (filesystem == "tmpfs" || filesystem == "ramfs")
      throw std::runtime_error("the data lies in memory (" + filesystem + ")");
  }
  if (!memory_) memory_ = std::make_unique<Memory>(bytes_);
  residency_ = {};
  if (kind == "memcpy") return RunMemcpy(threads);
  std::unique_ptr<File>& file = kind == "disk" ? cold_ : hot_;
  if (!file) file = std::make_unique<File>(directory_, memory_->from, bytes_);
  if (kind == "disk") return RunDisk(threads);
  const std::string path = file->Path();
  residency_ = MakeHot({&path, 1});
  return kind == "pread" ? RunPread(threads) : RunMmap(threads);
}

Limits::Cost Limits::RunMemcpy(int threads) {
  return Time(bytes_, threads, [&](auto begin, auto end) {
    std::memcpy(memory_->to.data() + begin, memory_->from.data() + begin, end - begin);
    return true;
  });
}

Limits::Cost Limits::RunPread(int threads) {
  return Time(bytes_, threads,
              [&](auto begin, auto end) { return ReadBlocks(hot_->fd().get(), memory_->to.data(), begin, end); });
}

Limits::Cost Limits::RunMmap(int threads) {
  const std::int64_t cpu_start = ThreadCpuNs();
  Stopwatch watch;
  void* address = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE, hot_->fd().get(), 0);
  if (address == MAP_FAILED) hot_->fd().Fail("cannot be mapped");
  const double mapped = watch.Lap();
  const std::int64_t cpu_mapped = ThreadCpuNs() - cpu_start;
  const Cost touched = Time(bytes_, threads, [&](auto begin, auto end) {
    const auto* page = static_cast<volatile const std::byte*>(address);
    for (auto at = begin; at < end; at += 4096) static_cast<void>(page[at]);
    return true;
  });
  munmap(address, bytes_);
  return {mapped + touched.seconds, cpu_mapped + touched.cpu_ns};
}

Limits::Cost Limits::RunDisk(int threads) {
  // O_DIRECT too would be served from memory for pages that are still cached.
  residency_ = Evict(cold_->Path());
  if (!residency_.cold()) {
    throw std::runtime_error("the scratch file cannot be made cold: " + std::to_string(residency_.resident) + " of " +
                             std::to_string(residency_.pages) + " pages stay in the page cache");
  }
  return Time(bytes_, threads,
              [&](auto begin, auto end) { return ReadBlocks(cold_->direct(), memory_->to.data(), begin, end); });
}

}  // namespace loadpath
