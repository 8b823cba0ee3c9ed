#include "harness/measure/warm_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "harness/base/parallel.h"
#include "harness/base/stopwatch.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kLeast = std::uint64_t{32} << 20, kTouchUnit = std::uint64_t{8} << 20, kTouchPage = 4096;
constexpr std::uint64_t kProbe = std::uint64_t{64} << 20;
constexpr double kReturnedBelow = 0.5;  // of the fastest rate

TouchRates rates;

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
  if (rates.fastest == 0) {
    // The first of two touches may be the slow one.
    const double first = Touch(bytes);
    rates.fastest = std::max(first, Touch(bytes));
    rates.was_returned |= first < kReturnedBelow * rates.fastest;
    return first;
  }
  const double rate = Touch(bytes);
  rates.fastest = std::max(rates.fastest, rate);
  if (rate < kReturnedBelow * rates.fastest) {
    rates.was_returned = true;
    rates.fastest = std::max(rates.fastest, Touch(bytes));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  return rate;
}

double AwaitReturnedMemory(const std::function<bool()>& stop) {
  if (rates.fastest == 0) WarmMemory(kProbe);
  for (int tenths = 0; tenths < 600 && !stop(); ++tenths) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const double rate = Touch(kProbe);
  rates.was_returned |= IsReturned(rate);
  return rate;
}

bool IsReturned(double rate) { return rate < kReturnedBelow * rates.fastest; }

bool MachineReturnsMemory(const std::function<bool()>& stop) {
  static const bool returns = IsReturned(AwaitReturnedMemory(stop));
  return returns;
}

TouchRates TouchesSoFar() { return rates; }

}  // namespace loadpath
