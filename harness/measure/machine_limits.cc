#include "harness/measure/machine_limits.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cmath>
#include <cstring>
#include <ctime>
#include <functional>
#include <stdexcept>
#include <thread>

#include "harness/base/stopwatch.h"
#include "harness/checkpoint/read/inflate.h"
#include "harness/measure/machine.h"
#include "harness/measure/scoped_fd.h"

namespace loadpath {
namespace {

// Two threads never write to one 2 MiB page. What is summed is read in blocks that stay in the core's cache.
constexpr std::uint64_t kUnit = std::uint64_t{4} << 20, kBlock = std::uint64_t{1} << 18;
constexpr std::uint64_t kSmallUnit = std::uint64_t{1} << 20, kLittle = std::uint64_t{32} << 20;
constexpr std::uint64_t kHugePage = std::uint64_t{2} << 20, kPage = 4096;
constexpr int kMostDiskThreads = 32;

std::uint64_t RoundedUp(std::uint64_t bytes, std::uint64_t to) { return (bytes + to - 1) / to * to; }

// Processor time of the thread that asks.
std::int64_t ThreadCpuNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// Returns what is spent from the moment when all threads stand ready until the last one is done. work(unit, thread)
// returns false if it fails.
Limits::Cost Time(std::uint64_t units, int threads,
                  const std::function<bool(std::uint64_t unit, std::uint64_t worker)>& work) {
  threads = static_cast<int>(std::clamp<std::uint64_t>(units, 1, static_cast<std::uint64_t>(threads)));
  std::int64_t start = 0;
  std::barrier ready(threads, [&start]() noexcept { start = MonotonicNs(); });
  std::atomic<bool> good{true};
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::int64_t> cpu_ns{0};
  std::vector<std::int64_t> ends(threads, 0);
  {
    std::vector<std::jthread> pool;
    pool.reserve(static_cast<std::size_t>(threads));
    const auto one = [&](int i) {
      ready.arrive_and_wait();
      const std::int64_t cpu_start = ThreadCpuNs();
      bool worked = false;
      for (std::uint64_t unit = 0; good && (unit = next++) < units; worked = true) {
        if (!work(unit, static_cast<std::uint64_t>(i))) good = false;
      }
      cpu_ns += ThreadCpuNs() - cpu_start;
      if (worked) ends[i] = MonotonicNs();  // one that came too late for a unit did not take part
    };
    for (int i = 0; i < threads; ++i) {
      try {
        pool.emplace_back(one, i);
      } catch (...) {
        // Those that wait would wait for ever.
        good = false;
        for (int missing = i; missing < threads; ++missing) ready.arrive_and_drop();
        throw;
      }
    }
  }
  if (!good) throw std::runtime_error("a file of the machine's limits cannot be read");
  return {static_cast<double>(std::max(*std::ranges::max_element(ends), start) - start) * 1e-9, cpu_ns};
}

bool ReadWhole(int fd, std::byte* to, std::uint64_t offset, std::uint64_t length) {
  while (length > 0) {
    const ssize_t got = pread(fd, to, length, static_cast<off_t>(offset));
    if (got <= 0) return false;
    to += got;
    offset += static_cast<std::uint64_t>(got);
    length -= static_cast<std::uint64_t>(got);
  }
  return true;
}

}  // namespace

// Anonymous memory that asks for 2 MiB pages and begins on the edge of one.
class Limits::Buffer {
 public:
  Buffer(std::uint64_t bytes, bool warm) : room_(bytes + kHugePage) {
    mapped_ = mmap(nullptr, room_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped_ == MAP_FAILED) throw std::runtime_error("there is no memory for the loops of the machine's limits");
    const auto address = reinterpret_cast<std::uintptr_t>(mapped_);
    data_ = static_cast<std::byte*>(mapped_) + (RoundedUp(address, kHugePage) - address);
    madvise(data_, bytes, MADV_HUGEPAGE);
    if (warm) std::memset(data_, 1, bytes);
  }
  ~Buffer() { munmap(mapped_, room_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  std::byte* data() const { return data_; }

 private:
  std::uint64_t room_;
  void* mapped_;
  std::byte* data_;
};

// A scratch file that has no name any more.
class Limits::File {
 public:
  File(const std::string& directory, std::uint64_t bytes)
      : File(directory + "/.limits-" + std::to_string(getpid()) + ".tmp") {
    const std::vector<std::byte> content(std::min(bytes, kUnit), std::byte{1});
    for (std::uint64_t done = 0; done < bytes;) {
      const ssize_t wrote = write(fd_.get(), content.data(), std::min<std::uint64_t>(content.size(), bytes - done));
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

// One of the hot files, and where its bytes go.
struct Limits::Part {
  std::shared_ptr<const ScopedFd> fd;
  std::uint64_t bytes = 0, to = 0;
};

std::span<const std::string_view> Limits::Kinds() {
  static constexpr std::array<std::string_view, 6> kKinds = {"memcpy",          "pread", "pread-fresh",
                                                             "pread-fresh-crc", "mmap",  "disk"};
  return kKinds;
}

Limits::Limits(std::string directory, std::uint64_t bytes) : directory_(std::move(directory)), bytes_(bytes) {}

Limits::Limits(std::string directory, std::vector<std::string> files)
    : directory_(std::move(directory)), paths_(std::move(files)) {
  OpenFiles();
}

Limits::~Limits() = default;

void Limits::OpenFiles() {
  bytes_ = 0;
  std::uint64_t to = 0;
  for (const std::string& path : paths_) {
    auto fd = std::make_shared<const ScopedFd>(path, O_RDONLY);
    const std::uint64_t size = fd->size();
    if (size == 0) continue;
    bytes_ += size;
    parts_.push_back({std::move(fd), size, to});
    to += RoundedUp(size, kUnit);
  }
}

Limits::Cost Limits::Run(std::string_view kind, int threads) {
  if (std::ranges::find(Kinds(), kind) == Kinds().end())
    throw std::runtime_error("no such limit: " + std::string(kind));
  residency_ = {};
  if (kind == "memcpy") return RunMemcpy(threads);
  if (kind == "disk") return RunDisk(threads);
  if (paths_.empty()) {
    scratch_ = std::make_unique<File>(directory_, bytes_);
    paths_ = {scratch_->Path()};
    OpenFiles();
  }
  residency_ = MakeHot(paths_);
  if (kind == "mmap") return RunMmap(threads);
  return RunPread(threads, kind != "pread", kind == "pread-fresh-crc");
}

Limits::Cost Limits::RunMemcpy(int threads) {
  if (!from_) from_ = std::make_unique<Buffer>(bytes_, /*warm=*/true);
  if (!to_) to_ = std::make_unique<Buffer>(RoundedUp(bytes_, kUnit) + kUnit * parts_.size(), /*warm=*/true);
  return Time(RoundedUp(bytes_, kUnit) / kUnit, threads, [&](std::uint64_t unit, std::uint64_t) {
    const std::uint64_t begin = unit * kUnit;
    std::memcpy(to_->data() + begin, from_->data() + begin, std::min(kUnit, bytes_ - begin));
    return true;
  });
}

Limits::Cost Limits::RunPread(int threads, bool fresh, bool sum) {
  struct Unit {
    int fd;
    std::uint64_t offset, length, to;
  };
  // As the reader does it: little is cut smaller, so that every thread has some.
  const std::uint64_t size = bytes_ < kLittle ? kSmallUnit : kUnit;
  std::vector<Unit> units;
  for (const Part& part : parts_) {
    for (std::uint64_t offset = 0; offset < part.bytes; offset += size) {
      units.push_back({part.fd->get(), offset, std::min(size, part.bytes - offset), part.to + offset});
    }
  }
  const std::uint64_t room = units.empty() ? 0 : units.back().to + kUnit;
  std::unique_ptr<Buffer> own;
  if (fresh) {
    own = std::make_unique<Buffer>(room, /*warm=*/false);
  } else if (!to_) {
    to_ = std::make_unique<Buffer>(room, /*warm=*/true);
  }
  std::byte* const to = (fresh ? own : to_)->data();
  std::atomic<std::uint32_t> sums{0};  // so that the compiler keeps them
  return Time(units.size(), threads, [&](std::uint64_t number, std::uint64_t) {
    const Unit& unit = units[number];
    if (!sum) return ReadWhole(unit.fd, to + unit.to, unit.offset, unit.length);
    std::uint32_t crc = 0;
    for (std::uint64_t done = 0; done < unit.length; done += kBlock) {
      const std::uint64_t length = std::min(kBlock, unit.length - done);
      if (!ReadWhole(unit.fd, to + unit.to + done, unit.offset + done, length)) return false;
      crc = Crc32(crc, {to + unit.to + done, length});
    }
    sums += crc;
    return true;
  });
}

Limits::Cost Limits::RunMmap(int threads) {
  const std::int64_t cpu_start = ThreadCpuNs();
  Stopwatch watch;
  std::vector<void*> mapped;
  for (const Part& part : parts_) {
    void* address = mmap(nullptr, part.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, part.fd->get(), 0);
    if (address == MAP_FAILED) part.fd->Fail("cannot be mapped");
    mapped.push_back(address);
  }
  const double seconds = watch.Lap();
  const std::int64_t cpu_mapped = ThreadCpuNs() - cpu_start;
  std::vector<std::pair<const std::byte*, std::uint64_t>> units;
  for (std::size_t i = 0; i < mapped.size(); ++i) {
    for (std::uint64_t begin = 0; begin < parts_[i].bytes; begin += kUnit) {
      units.emplace_back(static_cast<const std::byte*>(mapped[i]) + begin, std::min(kUnit, parts_[i].bytes - begin));
    }
  }
  const Cost touched = Time(units.size(), threads, [&](std::uint64_t unit, std::uint64_t) {
    const auto* page = static_cast<volatile const std::byte*>(units[unit].first);
    for (std::uint64_t at = 0; at < units[unit].second; at += kPage) static_cast<void>(page[at]);
    return true;
  });
  for (std::size_t i = 0; i < mapped.size(); ++i) munmap(mapped[i], parts_[i].bytes);
  return {seconds + touched.seconds, cpu_mapped + touched.cpu_ns};
}

Limits::Cost Limits::RunDisk(int threads) {
  const std::string filesystem = FilesystemOf(directory_);
  if (filesystem == "tmpfs" || filesystem == "ramfs")
    throw std::runtime_error("the data lies in memory (" + filesystem + ")");
  // Whole units, as O_DIRECT wants them.
  const std::uint64_t units = std::max<std::uint64_t>(1, RoundedUp(bytes_, kUnit) / kUnit);
  if (!cold_) cold_ = std::make_unique<File>(directory_, units * kUnit);
  // O_DIRECT too would be served from memory for pages that are still cached.
  residency_ = Evict(cold_->Path());
  if (!residency_.cold()) {
    throw NotAsWanted("the scratch file cannot be made cold: " + std::to_string(residency_.resident) + " of " +
                      std::to_string(residency_.pages) + " pages stay in the page cache");
  }
  const Buffer buffers(kUnit * static_cast<std::uint64_t>(threads), /*warm=*/true);
  Cost cost = Time(units, threads, [&](std::uint64_t unit, std::uint64_t worker) {
    return ReadWhole(cold_->direct(), buffers.data() + worker * kUnit, unit * kUnit, kUnit);
  });
  const double part = static_cast<double>(bytes_) / static_cast<double>(units * kUnit);
  cost.seconds *= part;
  cost.cpu_ns = std::llround(static_cast<double>(cost.cpu_ns) * part);
  return cost;
}

int Limits::BestDiskThreads() {
  if (disk_threads_ > 0) return disk_threads_;
  double best = 0;
  for (int threads = 1; threads <= kMostDiskThreads; threads *= 2) {
    const double seconds = Run("disk", threads).seconds;
    if (disk_threads_ == 0 || seconds < best) {
      best = seconds;
      disk_threads_ = threads;
    }
  }
  return disk_threads_;
}

}  // namespace loadpath
