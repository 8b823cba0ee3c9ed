#ifndef LOADPATH_HARNESS_LOAD_MAPPING_MAPPING_H_
#define LOADPATH_HARNESS_LOAD_MAPPING_MAPPING_H_

#include <c10/core/Storage.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "harness/load/mapping/guarded_range.h"
#include "loadpath/progress.h"

namespace loadpath {

/// A private mapping of a file: written pages become the process's own, and the file never changes. Lives as long as a
/// storage over it, and is registered with the guard (InstallMappingGuard) as long.
class Mapping {
 public:
  /// Maps all of the file `fd`, which `path` names. Returns nullptr if the kernel refuses: it has no memory, the
  /// filesystem cannot map, or the file is empty.
  static std::shared_ptr<const Mapping> Map(const std::string& path, int fd);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::byte* data() const { return data_; }
  std::uint64_t length() const { return length_; }
  const std::string& path() const { return path_; }

 private:
  Mapping(std::string path, std::byte* data, std::uint64_t length)
      : path_(std::move(path)), data_(data), length_(length), guarded_(path_, data, length) {}
  std::string path_;
  std::byte* data_;
  std::uint64_t length_;
  GuardedRange guarded_;
};

/// Returns a storage over mapped bytes. It keeps the mapping alive.
c10::Storage StorageOver(std::shared_ptr<const Mapping> mapping, std::uint64_t offset, std::uint64_t nbytes);

/// Bytes [begin, begin + length) of a mapping.
struct MappedRange {
  std::shared_ptr<const Mapping> mapping;
  std::uint64_t begin, length;
};

/// Makes every page of the ranges present, in parallel. Throws CheckpointError kIo if the file was cut or its disk
/// fails: the kernel then says so (MADV_POPULATE_READ, Linux 5.14) instead of raising SIGBUS. On an older kernel each
/// page is touched, and a SIGBUS is the guard's. `progress` is told of the bytes, and cancels.
void Populate(std::span<const MappedRange> ranges, int threads, const Progress& progress = {});

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_MAPPING_MAPPING_H_
