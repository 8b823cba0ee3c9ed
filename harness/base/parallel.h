#ifndef LOADPATH_HARNESS_BASE_PARALLEL_H_
#define LOADPATH_HARNESS_BASE_PARALLEL_H_

#include <cstddef>
#include <functional>

namespace loadpath {

/// Cores that this process may use, at least 1.
int Cores();

/// work(0) … work(count - 1), by up to `threads` threads, the caller's included. Where some throw, the rest is left out
/// and the exception of the lowest number among those that threw is thrown on.
void ParallelFor(std::size_t count, int threads, const std::function<void(std::size_t)>& work);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_PARALLEL_H_
