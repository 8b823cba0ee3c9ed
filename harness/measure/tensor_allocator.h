#ifndef LOADPATH_HARNESS_MEASURE_TENSOR_ALLOCATOR_H_
#define LOADPATH_HARNESS_MEASURE_TENSOR_ALLOCATOR_H_

#include <cstdint>

namespace loadpath {

/// Tensor allocations on the CPU so far: take two and subtract. Exact: they do not depend on the clock.
struct AllocationCounts {
  std::uint64_t allocations = 0;
  std::uint64_t bytes = 0;  ///< asked for
  AllocationCounts operator-(const AllocationCounts& start) const {
    return {allocations - start.allocations, bytes - start.bytes};
  }
};

/// Installs the process's CPU allocator of tensors (c10::SetAllocator). Call it once, first thing in main: memory that
/// was allocated before is not counted. It counts, and it asks for 2 MiB pages (madvise MADV_HUGEPAGE) in blocks of at
/// least 2 MiB: reading 498 MB into fresh memory went from 0.4-1.7 GB/s to 7.8-8.5 GB/s, because the page faults of 4
/// KiB pages are what such a read waits for. Large blocks go back to the kernel when they are freed, so that a load in
/// a loop pays for its memory as a first load does.
void InstallTensorAllocator();
AllocationCounts ReadAllocationCounts();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_TENSOR_ALLOCATOR_H_
