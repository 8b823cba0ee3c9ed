#include "harness/measure/tensor_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/util/Exception.h>
#include <malloc.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>

namespace loadpath {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kAlignment = 64;  // c10::gAlignment, which some builds keep private

std::atomic<std::uint64_t> allocations{0}, allocated_bytes{0};

class TensorAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t size) override {
    const c10::Device cpu(c10::DeviceType::CPU);
    if (size == 0) return {nullptr, nullptr, &std::free, cpu};
    const bool large = size >= kHugePage;
    void* data = nullptr;
    TORCH_CHECK_WITH(OutOfMemoryError, posix_memalign(&data, large ? kHugePage : kAlignment, size) == 0,
                     "cannot allocate ", size, " bytes for a tensor");
    // Advice only: where the kernel has no 2 MiB pages the memory is as good.
    if (large) madvise(data, size, MADV_HUGEPAGE);
    allocations.fetch_add(1, std::memory_order_relaxed);
    allocated_bytes.fetch_add(size, std::memory_order_relaxed);
    return {data, data, &std::free, cpu};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
  void copy_data(void* to, const void* from, std::size_t count) const override { default_copy_data(to, from, count); }
};

}  // namespace

void InstallTensorAllocator() {
  static TensorAllocator allocator;
  // A fixed threshold: by default the C library raises it to 32 MiB after the first large free and keeps the memory.
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(kHugePage));
  c10::SetAllocator(c10::DeviceType::CPU, &allocator, /*priority=*/100);
}

AllocationCounts ReadAllocationCounts() { return {allocations.load(), allocated_bytes.load()}; }

}  // namespace loadpath
