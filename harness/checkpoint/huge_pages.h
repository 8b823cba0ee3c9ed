#ifndef LOADPATH_HARNESS_CHECKPOINT_HUGE_PAGES_H_
#define LOADPATH_HARNESS_CHECKPOINT_HUGE_PAGES_H_

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <vector>

namespace loadpath {

/// Asks for 2 MiB pages if an allocation is large enough. Opening a file of 100,000 tensors fills some 100 MB once, and
/// page faults of 4 KiB took half of that time.
template <typename T>
struct HugePageAllocator {
  using value_type = T;
  static constexpr std::size_t kPage = std::size_t{1} << 21;

  HugePageAllocator() = default;
  template <typename U>
  HugePageAllocator(const HugePageAllocator<U>&) {}  // NOLINT(google-explicit-constructor): allocators convert

  T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / 2 / sizeof(T)) throw std::bad_array_new_length();
    const std::size_t bytes = count * sizeof(T);
    if (bytes < 2 * kPage) return static_cast<T*>(::operator new(bytes));
    void* p = ::operator new (bytes, std::align_val_t{kPage});
    ::madvise(p, bytes / kPage * kPage, MADV_HUGEPAGE);
    return static_cast<T*>(p);
  }
  void deallocate(T* p, std::size_t count) {
    if (count * sizeof(T) < 2 * kPage) {
      ::operator delete(p);
    } else {
      ::operator delete (p, std::align_val_t{kPage});
    }
  }
  bool operator==(const HugePageAllocator&) const { return true; }
};

template <typename T>
using LargeVector = std::vector<T, HugePageAllocator<T>>;

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_HUGE_PAGES_H_
