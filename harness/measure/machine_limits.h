#ifndef LOADPATH_HARNESS_MEASURE_MACHINE_LIMITS_H_
#define LOADPATH_HARNESS_MEASURE_MACHINE_LIMITS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace loadpath {

/// What this machine can do at best, measured in the same run as the loads that are held against it.
///
///   memcpy  warm memory to warm memory
///   pread   page cache to warm memory
///   mmap    a hot file mapped and every page of the mapping made present
///   disk    a cold file read past the page cache (O_DIRECT), or through it where the filesystem refuses that
class Limits {
 public:
  static std::span<const std::string_view> Kinds();

  /// `bytes` of scratch data: a file in `directory`, unlinked at once, and buffers of the same size, both made by the
  /// first call of Run that needs them.
  Limits(std::string directory, std::uint64_t bytes);
  ~Limits();

  std::uint64_t bytes() const { return bytes_; }
  /// Seconds for all bytes, with `threads` threads that have equal parts. Throws std::runtime_error where the kind
  /// cannot be measured here, with the reason.
  double Run(std::string_view kind, int threads);

 private:
  struct Scratch;
  std::string directory_;
  std::uint64_t bytes_;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_MACHINE_LIMITS_H_
