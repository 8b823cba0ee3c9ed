#include "harness/measure/warm_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "harness/base/parallel.h"
#include "harness/base/stopwatch.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kLeast = std::uint64_t{32} << 20, kTouchUnit = std::uint64_t{8} << 20, kTouchPage = 4096;
constexpr std::uint64_t kProbe = std::uint64_t{64} << 20;
constexpr double kReturnedBelow = 0.25;  // of the rate of backed memory

// A host that took memory back makes the first touch ten times as slow, a busy machine two or three times.
bool IsSlow(double rate, double backed) { return rate < kReturnedBelow * backed; }

struct {
  std::map<int, double> fastest;    // by the bits of the size: less memory is touched at another rate
  std::set<std::uint64_t> touched;  // sizes that were touched twice in a row
  bool was_returned = false;
} rates;

// Returns the bytes per second, or 0 if there is no such memory.
double Touch(std::uint64_t bytes) {
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) return 0;
  madvise(address, bytes, MADV_HUGEPAGE);
  Stopwatch watch;
  ParallelFor((bytes + kTouchUnit - 1) / kTouchUnit, Cores(), [&](std::size_t unit) {
    auto* page = static_cast<volatile std::byte*>(address);
    for (std::uint64_t at = unit * kTouchUnit, end = std::min(bytes, at + kTouchUnit); at < end; at += kTouchPage)
      page[at] = std::byte{1};
  });
  const double seconds = watch.Lap();
  munmap(address, bytes);
  return static_cast<double>(bytes) / std::max(seconds, 1e-9);
}

std::uint64_t HalfOfFreeMemory() {
  const long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size) / 2 : 0;
}

}  // namespace

double WarmMemory(std::uint64_t bytes) {
  bytes = std::min(bytes, HalfOfFreeMemory());
  if (bytes < kLeast) return 0;
  const double first = Touch(bytes);
  double& fastest = rates.fastest[std::bit_width(bytes)];
  fastest = std::max(fastest, first);
  if (!IsSlow(first, fastest) && rates.touched.contains(bytes)) return first;
  rates.touched.insert(bytes);
  // What is touched now was backed a moment ago. If that is slow too, the machine is busy.
  const double second = Touch(bytes);
  fastest = std::max(fastest, second);
  if (IsSlow(first, second)) {
    rates.was_returned = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  return first;
}

ReturnedMemory AwaitReturnedMemory(const std::function<bool()>& stop) {
  for (int tenths = 0; tenths < 600 && !stop(); ++tenths) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const double rate = Touch(kProbe);
  const bool returned = IsSlow(rate, Touch(kProbe));
  rates.was_returned |= returned;
  return {rate, returned};
}

bool MachineReturnsMemory(const std::function<bool()>& stop) {
  static const bool returns = AwaitReturnedMemory(stop).returned;
  return returns;
}

bool MemoryWasReturned() { return rates.was_returned; }

}  // namespace loadpath
