#include "loadpath/tensor_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_map>

namespace loadpath {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlignment = 64;  // c10::gAlignment, which some builds keep private

std::atomic<std::uint64_t> allocations{0}, allocated_bytes{0};

// Memory from the kernel in 2 MiB pages. The C library's malloc would keep large blocks and hand them out again.
class LargeBlocks {
 public:
  // Returns nullptr if there is no memory.
  void* Map(std::size_t size) {
    if (size > SIZE_MAX - kPage - kHugePage) return nullptr;
    const std::size_t length = (size + kPage - 1) / kPage * kPage, room = length + kHugePage;
    void* begin = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (begin == MAP_FAILED) return nullptr;
    auto* bytes = static_cast<std::byte*>(begin);
    const std::size_t before = (kHugePage - reinterpret_cast<std::uintptr_t>(bytes) % kHugePage) % kHugePage;
    std::byte* data = bytes + before;
    if (before > 0) munmap(bytes, before);
    munmap(data + length, room - before - length);
    // Advice only: if the kernel has no 2 MiB pages, the memory is as good.
    madvise(data, length, MADV_HUGEPAGE);
    try {
      const std::lock_guard lock(mutex_);
      lengths_.emplace(data, length);
    } catch (const std::bad_alloc&) {
      munmap(data, length);
      return nullptr;
    }
    return data;
  }

  // Returns false if the memory is not from here.
  bool Unmap(void* data) {
    std::size_t length = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto found = lengths_.find(data);
      if (found == lengths_.end()) return false;
      length = found->second;
      lengths_.erase(found);
    }
    munmap(data, length);
    return true;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<void*, std::size_t> lengths_;
};

// Never destroyed: tensors with static lifetime may be freed after it would be.
LargeBlocks& Blocks() {
  static auto* blocks = new LargeBlocks;
  return *blocks;
}

void Free(void* data) {
  const bool may_be_large = reinterpret_cast<std::uintptr_t>(data) % kHugePage == 0;
  if (data == nullptr || (may_be_large && Blocks().Unmap(data))) return;
  std::free(data);
}

class TensorAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t size) override {
    const c10::Device cpu(c10::DeviceType::CPU);
    if (size == 0) return {nullptr, nullptr, &Free, cpu};
    void* data = nullptr;
    if (size >= kHugePage) {
      data = Blocks().Map(size);
    } else if (posix_memalign(&data, kAlignment, size) != 0) {
      data = nullptr;
    }
    TORCH_CHECK_WITH(OutOfMemoryError, data != nullptr, "cannot allocate ", size, " bytes for a tensor");
    allocations.fetch_add(1, std::memory_order_relaxed);
    allocated_bytes.fetch_add(size, std::memory_order_relaxed);
    return {data, data, &Free, cpu};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Free; }
  void copy_data(void* to, const void* from, std::size_t count) const override { default_copy_data(to, from, count); }
};

c10::Allocator* Present() { return c10::GetAllocator(c10::DeviceType::CPU); }

// Installs the allocator with the lowest priority that c10::SetAllocator takes, and returns that. It is the present
// allocator's own, so no priority changes: a higher one would stay for the rest of the process.
std::uint8_t Install(c10::Allocator* allocator) {
  std::uint8_t priority = 0;
  while (c10::SetAllocator(c10::DeviceType::CPU, allocator, priority), Present() != allocator) {
    TORCH_CHECK(priority < UINT8_MAX, "c10::SetAllocator takes no allocator for the CPU");
    ++priority;
  }
  return priority;
}

std::mutex scopes_mutex;
int scopes = 0;
std::uint8_t outside_priority = 0;
c10::Allocator* outside = nullptr;

// Never destroyed: storages keep a pointer to their allocator, to grow with.
TensorAllocator* Inside() {
  static auto* allocator = new TensorAllocator;
  return allocator;
}

}  // namespace

ScopedTensorAllocator::ScopedTensorAllocator() {
  const std::lock_guard lock(scopes_mutex);
  if (scopes == 0) {
    outside = Present();
    outside_priority = Install(Inside());
  }
  ++scopes;
}

ScopedTensorAllocator::~ScopedTensorAllocator() {
  const std::lock_guard lock(scopes_mutex);
  if (--scopes > 0 || Present() != Inside()) return;
  c10::SetAllocator(c10::DeviceType::CPU, outside, outside_priority);
}

AllocationCounts ReadAllocationCounts() { return {allocations.load(), allocated_bytes.load()}; }

}  // namespace loadpath
