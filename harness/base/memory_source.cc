#include "harness/base/memory_source.h"

#include <algorithm>
#include <limits>
#include <new>
#include <optional>
#include <string>

namespace loadpath {

std::span<const std::byte> MemorySource::Get(std::uint64_t offset, std::size_t length,
                                             std::vector<std::byte>& /*buffer*/) const {
  CountCall();
  if (offset > size_ || length > size_ - offset) FailAsCut(std::max(offset, size_));
  CountBytes(length);
  return bytes_.subspan(offset, length);
}

void MemorySource::ReadAt(std::uint64_t offset, std::span<std::byte> dst) const {
  if (dst.empty()) return;
  std::vector<std::byte> unused;
  std::ranges::copy(Get(offset, dst.size(), unused), dst.begin());
}

FunctionSource::FunctionSource(std::string name, std::uint64_t size, Read read, bool one_at_a_time)
    : FileSource(std::move(name), size), read_(std::move(read)), one_at_a_time_(one_at_a_time) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  if (size > kLargest)
    Fail(ErrorCode::kLimitExceeded, "is said to have " + std::to_string(size) + " bytes: no file is that large");
}

std::size_t FunctionSource::Call(std::uint64_t offset, std::span<std::byte> dst) const {
  const auto fail = [&](const std::string& why) { Fail(ErrorCode::kIo, "cannot be read: " + why, {}, offset); };
  std::size_t got = 0;
  try {
    std::optional<std::lock_guard<std::mutex>> lock;
    if (one_at_a_time_) lock.emplace(mutex_);
    got = read_(offset, dst);
  } catch (const CheckpointError&) {
    throw;
  } catch (const std::bad_alloc&) {
    Fail(ErrorCode::kOutOfMemory, "could not be read: out of memory", {}, offset);
  } catch (const std::exception& error) {
    fail(error.what());
  } catch (...) {
    fail("the function that reads threw something that is no std::exception");
  }
  if (got > dst.size()) {
    fail("the function that reads gave " + std::to_string(got) + " bytes where " + std::to_string(dst.size()) +
         " were asked for");
  }
  return got;
}

void FunctionSource::ReadAt(std::uint64_t offset, std::span<std::byte> dst) const {
  if (!dst.empty() && (offset > size_ || dst.size() > size_ - offset)) FailAsCut(std::max(offset, size_));
  while (!dst.empty()) {
    CountCall();
    const std::size_t got = Call(offset, dst);
    if (got == 0) {
      Fail(ErrorCode::kIo,
           "cannot be read: the function that reads gave fewer than the " + std::to_string(size_) +
               " bytes that it said; check the size that was given",
           {}, offset);
    }
    CountBytes(got);
    offset += got;
    dst = dst.subspan(got);
  }
}

}  // namespace loadpath
