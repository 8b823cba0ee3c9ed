#ifndef LOADPATH_HARNESS_MEASURE_MACHINE_LIMITS_H_
#define LOADPATH_HARNESS_MEASURE_MACHINE_LIMITS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "harness/measure/page_cache.h"

namespace loadpath {

/// Measures what this machine can do at best, in the same run as the loads that are held against it.
///
///   memcpy  copies warm memory to warm memory
///   pread   reads the page cache into warm memory
///   mmap    maps a hot file and makes every page of the mapping present
///   disk    reads a cold file past the page cache (O_DIRECT), or through it if the filesystem refuses O_DIRECT
class Limits {
 public:
  static std::span<const std::string_view> Kinds();

  /// The scratch data are `bytes` long: two buffers, a file in `directory` for pread and mmap, and another for disk, so
  /// that neither makes the other's file cold or hot. The files are unlinked at once. Each is made by the first call of
  /// Run that needs it.
  Limits(std::string directory, std::uint64_t bytes);
  ~Limits();

  std::uint64_t bytes() const { return bytes_; }
  /// What moving all bytes cost.
  struct Cost {
    double seconds = 0;
    std::int64_t cpu_ns = 0;  ///< processor time of the threads while the clock ran, user and system
  };
  /// Returns what all bytes cost, with `threads` threads that have equal parts. Before the clock starts, the
  /// kind's file is made hot or cold and its residency read. Throws std::runtime_error with the reason if the kind
  /// cannot be measured here, or if the file is not as hot or cold as the kind needs it.
  Cost Run(std::string_view kind, int threads);
  /// Returns how much of the kind's file lay in the page cache just before the last Run's clock started; no pages for
  /// memcpy.
  const Residency& residency() const { return residency_; }

 private:
  class Buffer;
  class File;
  struct Memory;
  Cost RunMemcpy(int threads);
  Cost RunPread(int threads);
  Cost RunMmap(int threads);
  Cost RunDisk(int threads);

  std::string directory_;
  std::uint64_t bytes_;
  Residency residency_;
  std::unique_ptr<Memory> memory_;
  std::unique_ptr<File> hot_, cold_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_MACHINE_LIMITS_H_
