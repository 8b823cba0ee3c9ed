#ifndef LOADPATH_TENSOR_ALLOCATOR_H_
#define LOADPATH_TENSOR_ALLOCATOR_H_

#include <cstdint>

namespace loadpath {

/// Counts tensor allocations on the CPU: take two and subtract. Exact: they do not depend on the clock.
struct AllocationCounts {
  std::uint64_t allocations = 0;
  std::uint64_t bytes = 0;  ///< asked for
  AllocationCounts operator-(const AllocationCounts& start) const {
    return {allocations - start.allocations, bytes - start.bytes};
  }
};

/// Makes the process's CPU tensors come from an allocator for loading while it lives: put one around a module's
/// construction and load, and nothing else. The allocator
///   - counts, and
///   - gives every tensor of at least 2 MiB memory of its own, fresh from the kernel and in 2 MiB pages (madvise
///     MADV_HUGEPAGE). The page faults of 4 KiB pages are what a read into fresh memory waits for: 498 MB went from
///     0.4 to 1.7 GB/s to 7.8 to 8.5 GB/s. Freeing such a tensor gives its memory back, so that a load in a loop pays
///     for its memory as a first load does.
///
/// Forward passes belong outside: there LibTorch's own allocator hands freed activations out again, and fresh memory
/// for each of them made resnet50 1.5 times slower. A tensor from inside may live on, grow and be freed outside, and
/// the other way round.
///
/// The priority of the process's allocator stays as it is: c10::SetAllocator takes afterwards what it took before. An
/// allocator that the program sets while a scope lives stays, and the rest of the scope is not counted.
///
/// Scopes nest, on one thread or several. Begin the first and end the last while no other thread allocates tensors:
/// c10::SetAllocator takes no lock.
class ScopedTensorAllocator {
 public:
  ScopedTensorAllocator();
  ~ScopedTensorAllocator();
  ScopedTensorAllocator(const ScopedTensorAllocator&) = delete;
  ScopedTensorAllocator& operator=(const ScopedTensorAllocator&) = delete;
};

/// Returns the allocations inside such scopes so far.
AllocationCounts ReadAllocationCounts();

}  // namespace loadpath

#endif  // LOADPATH_TENSOR_ALLOCATOR_H_
