#ifndef LOADPATH_HARNESS_MEASURE_MACHINE_LIMITS_H_
#define LOADPATH_HARNESS_MEASURE_MACHINE_LIMITS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/measure/page_cache.h"

namespace loadpath {

/// Measures what this machine can do at best: plain loops, each of which does one kind of work and nothing else. In the
/// order of the work that they do:
///
///   memcpy           copies warm memory to warm memory
///   pread            reads the page cache into warm memory
///   pread-fresh      reads the page cache into fresh memory with 2 MiB pages: what a load does
///   pread-fresh-crc  the same, and sums up what was read (CRC-32), as a load of a zip archive does
///   mmap             maps hot files and makes every page of the mapping present; its bytes are not touched
///   disk             reads a cold file past the page cache (O_DIRECT), or through it if the filesystem refuses
///                    O_DIRECT
class Limits {
 public:
  static std::span<const std::string_view> Kinds();

  /// The loops read a scratch file of `bytes` in `directory`, which is unlinked at once.
  Limits(std::string directory, std::uint64_t bytes);
  /// The loops read these files, all of them, whole and in this order: so their pages lie in the page cache as whoever
  /// wrote them left them. disk reads a scratch file of the same size in `directory`, so that it makes none of them
  /// cold. Throws std::runtime_error if one cannot be opened.
  Limits(std::string directory, std::vector<std::string> files);
  ~Limits();

  std::uint64_t bytes() const { return bytes_; }
  /// What moving all bytes cost.
  struct Cost {
    double seconds = 0;
    std::int64_t cpu_ns = 0;  ///< processor time of the threads while the clock ran, user and system
  };
  /// Returns what all bytes cost with `threads` threads, each of which takes the next unit of 4 MiB. Before the clock
  /// starts, the kind's file is made hot or cold and its residency read. Throws std::runtime_error with the reason if
  /// the kind cannot be measured here, or if the file is not as hot or cold as the kind needs it.
  Cost Run(std::string_view kind, int threads);
  /// Returns how many threads at once read the disk fastest, up to 32.
  int BestDiskThreads();
  /// Returns how much of the kind's files lay in the page cache just before the last Run's clock started; no pages for
  /// memcpy.
  const Residency& residency() const { return residency_; }

 private:
  class Buffer;
  class File;
  struct Part;
  Cost RunMemcpy(int threads);
  Cost RunPread(int threads, bool fresh, bool sum);
  Cost RunMmap(int threads);
  Cost RunDisk(int threads);
  void OpenFiles();

  std::string directory_;
  std::uint64_t bytes_ = 0;
  std::vector<std::string> paths_;  ///< empty: a scratch file
  Residency residency_;
  std::unique_ptr<Buffer> from_, to_;
  std::unique_ptr<File> scratch_, cold_;
  std::vector<Part> parts_;  ///< of the hot files
  int disk_threads_ = 0;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_MACHINE_LIMITS_H_
