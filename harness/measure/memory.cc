#include "harness/measure/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

namespace loadpath {
namespace {

bool ResetPeak() {
  const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = write(fd, "5", 1) == 1;
  close(fd);
  return done;
}

}  // namespace

MemoryUsage ReadMemory() {
  MemoryUsage usage;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    const auto read = [&](const char* format, std::uint64_t& bytes) {
      unsigned long long kib = 0;
      if (std::sscanf(line.c_str(), format, &kib) == 1) bytes = kib * 1024;
    };
    read("RssAnon: %llu", usage.anonymous);
    read("RssFile: %llu", usage.file);
    read("RssShmem: %llu", usage.shared);
    read("VmHWM: %llu", usage.peak);
  }
  return usage;
}

PeakMemory::PeakMemory(Watch watch) : watch_(watch) {
  malloc_trim(0);
  reset_ = ResetPeak();
  statm_ = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  before_ = peak_ = ReadMemory().anonymous;
  if (watch_ == Watch::kKernel) return;
  Sample();
  try {
    sampler_ = std::thread([this] {
      while (!stop_.load(std::memory_order_relaxed)) {
        Sample();
        std::this_thread::sleep_for(std::chrono::microseconds(500));
      }
    });
  } catch (...) {
    if (statm_ >= 0) close(statm_);
    throw;
  }
}

PeakMemory::~PeakMemory() { Stop(); }

void PeakMemory::Sample() {
  static const auto kPage = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  char text[128];
  const ssize_t length = statm_ < 0 ? -1 : pread(statm_, text, sizeof text - 1, 0);
  if (length <= 0) return;
  text[length] = 0;
  unsigned long long resident = 0, mapped = 0;
  if (std::sscanf(text, "%*u %llu %llu", &resident, &mapped) != 2 || mapped > resident) return;
  peak_ = std::max<std::uint64_t>(peak_, (resident - mapped) * kPage);
  file_peak_ = std::max<std::uint64_t>(file_peak_, mapped * kPage);
}

void PeakMemory::Stop() {
  if (std::exchange(stopped_, true)) return;
  stop_ = true;
  if (sampler_.joinable()) {
    sampler_.join();
    Sample();
  }
  if (statm_ >= 0) close(statm_);
  const MemoryUsage now = ReadMemory();
  peak_ = std::max(peak_, now.anonymous);
  const std::uint64_t mapped = std::max(file_peak_, now.file + now.shared);
  if (reset_ && now.peak > mapped) peak_ = std::max(peak_, now.peak - mapped);
}

std::uint64_t PeakMemory::Extra(std::uint64_t parameter_bytes) const {
  const std::uint64_t expected = before_ + parameter_bytes;
  return peak_ > expected ? peak_ - expected : 0;
}

}  // namespace loadpath
