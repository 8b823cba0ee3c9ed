#ifndef LOADPATH_HARNESS_LOAD_MAPPING_H_
#define LOADPATH_HARNESS_LOAD_MAPPING_H_

#include <c10/core/Storage.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "harness/load/mapping_guard.h"

namespace loadpath {

/// A private mapping of a file: written pages become the process's own, the file never changes. Lives as long as a
/// storage over it does, and is known to the guard (mapping_guard.h) as long.
class Mapping {
 public:
  /// Maps the whole of the file that `fd` is and `path` names. nullptr where the kernel refuses (no memory, a
  /// filesystem that cannot, an empty file).
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

/// A storage over mapped bytes, which keeps the mapping.
c10::Storage StorageOver(std::shared_ptr<const Mapping> mapping, std::uint64_t offset, std::uint64_t nbytes);

/// Bytes [begin, begin + length) of a mapping.
struct MappedRange {
  std::shared_ptr<const Mapping> mapping;
  std::uint64_t begin, length;
};

/// Makes every page of the ranges present, in parallel. Throws CheckpointError kIo where a page cannot be had, because
/// the file was cut or its disk fails: the kernel is asked (MADV_POPULATE_READ, Linux 5.14), so that no SIGBUS comes.
/// An older kernel knows no such question; there each page is touched, and what comes then is the guard's.
void Populate(std::span<const MappedRange> ranges, int threads);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_MAPPING_H_
