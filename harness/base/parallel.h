#ifndef LOADPATH_HARNESS_BASE_PARALLEL_H_
#define LOADPATH_HARNESS_BASE_PARALLEL_H_

#include <cstddef>
#include <functional>

namespace loadpath {

/// Returns the number of cores that this process may use, at least 1.
int Cores();

/// Calls work(0) … work(count - 1) in up to `threads` threads, the caller's included. If some throw, the calls that
/// have not begun are left out, and of the exceptions that of the lowest number is thrown.
void ParallelFor(std::size_t count, int threads, const std::function<void(std::size_t)>& work);

/// The same, calling work(number, worker). No two calls run at once with the same worker, which is below `threads` and
/// below `count`: for buffers that calls use one after the other. Worker 0 is the caller's thread.
void ParallelForWithWorker(std::size_t count, int threads,
                           const std::function<void(std::size_t number, std::size_t worker)>& work);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_PARALLEL_H_
