#ifndef LOADPATH_HARNESS_BASE_MEMORY_SOURCE_H_
#define LOADPATH_HARNESS_BASE_MEMORY_SOURCE_H_

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "harness/base/file_source.h"

namespace loadpath {

/// A file whose bytes lie in memory. They must not change.
class MemorySource final : public FileSource {
 public:
  /// `owner`, if there is one, keeps the bytes alive as long as this object lives.
  MemorySource(std::string name, std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
      : FileSource(std::move(name), bytes.size()), bytes_(bytes), owner_(std::move(owner)) {}

  void ReadAt(std::uint64_t offset, std::span<std::byte> dst) const override;
  std::span<const std::byte> Get(std::uint64_t offset, std::size_t length,
                                 std::vector<std::byte>& buffer) const override;

 private:
  const std::span<const std::byte> bytes_;
  const std::shared_ptr<const void> owner_;
};

/// A file whose bytes a function gives. Whatever the function does, ReadAt throws nothing but CheckpointError.
class FunctionSource final : public FileSource {
 public:
  using Read = std::function<std::size_t(std::uint64_t offset, std::span<std::byte> dst)>;

  /// `read` returns how many bytes it wrote: at least one, or 0 if there are no more. `one_at_a_time`: no two calls run
  /// at once. Throws kLimitExceeded if `size` is larger than any file's.
  FunctionSource(std::string name, std::uint64_t size, Read read, bool one_at_a_time);

  void ReadAt(std::uint64_t offset, std::span<std::byte> dst) const override;

 private:
  std::size_t Call(std::uint64_t offset, std::span<std::byte> dst) const;

  const Read read_;
  const bool one_at_a_time_;
  mutable std::mutex mutex_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_MEMORY_SOURCE_H_
