#ifndef LOADPATH_HARNESS_MEASURE_MEMORY_H_
#define LOADPATH_HARNESS_MEASURE_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <thread>

namespace loadpath {

/// This process's resident memory in bytes (/proc/self/status). The kernel can drop mapped file pages (`file`) at any
/// time, and other processes share them: they are never added to `anonymous`.
struct MemoryUsage {
  std::uint64_t anonymous = 0, file = 0, shared = 0;
  std::uint64_t peak = 0;  ///< VmHWM: the greatest sum of the three
};
MemoryUsage ReadMemory();

/// Measures the peak of anonymous memory between construction and Stop(). For one load:
///
///   PeakMemory peak;                          // before the module is constructed
///   … construct, load …
///   peak.Stop();
///   peak.Extra(parameter_bytes);              // beyond the parameters, not counting those that lie in a mapping
///
/// A thread samples /proc/self/statm twice a millisecond. If the kernel lets VmHWM be reset (/proc/self/clear_refs),
/// peaks between two samples are caught too: the part of VmHWM beyond the mapped pages was anonymous. The kernel's
/// counters are exact to about 1 MiB. The constructor first returns memory that the C library keeps after free().
class PeakMemory {
 public:
  /// kKernel: no thread samples, so nothing disturbs what is timed, and only VmHWM is looked at.
  enum class Watch : std::uint8_t { kThread, kKernel };
  explicit PeakMemory(Watch watch = Watch::kThread);
  ~PeakMemory();
  PeakMemory(const PeakMemory&) = delete;
  PeakMemory& operator=(const PeakMemory&) = delete;

  void Stop();
  std::uint64_t anonymous_before() const { return before_; }
  std::uint64_t anonymous_peak() const { return peak_; }
  /// Returns false if nothing was seen: with kKernel, where VmHWM cannot be reset.
  bool known() const { return watch_ == Watch::kThread || reset_; }
  /// Returns the peak beyond the memory that was there before and beyond `parameter_bytes`; at least 0.
  std::uint64_t Extra(std::uint64_t parameter_bytes) const;

 private:
  void Sample();
  Watch watch_;
  bool stopped_ = false;
  int statm_ = -1;
  std::uint64_t before_ = 0, peak_ = 0, file_peak_ = 0;
  bool reset_ = false;
  std::atomic<bool> stop_{false};
  std::thread sampler_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_MEMORY_H_
