#ifndef LOADPATH_HARNESS_LOAD_MAPPING_H_
#define LOADPATH_HARNESS_LOAD_MAPPING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <c10/core/Storage.h>

namespace loadpath {

/// A private mapping of a file: written pages become the process's own, the file never changes. Lives as long as a
/// storage over it does.
class Mapping {
 public:
  /// Maps the first `length` bytes. nullptr where the kernel refuses (no memory, a filesystem that cannot).
  static std::shared_ptr<const Mapping> Map(int fd, std::uint64_t length);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::byte* data() const { return data_; }
  std::uint64_t length() const { return length_; }

 private:
  Mapping(std::byte* data, std::uint64_t length) : data_(data), length_(length) {}
  std::byte* data_;
  std::uint64_t length_;
};

/// A storage over mapped bytes, which keeps the mapping.
c10::Storage StorageOver(std::shared_ptr<const Mapping> mapping, std::uint64_t offset, std::uint64_t nbytes);

/// Makes every page of the ranges present, in parallel.
void Touch(std::span<const std::span<const std::byte>> ranges, int threads);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_MAPPING_H_
