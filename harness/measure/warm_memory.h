#ifndef LOADPATH_HARNESS_MEASURE_WARM_MEMORY_H_
#define LOADPATH_HARNESS_MEASURE_WARM_MEMORY_H_

#include <cstdint>
#include <functional>

namespace loadpath {

/// Makes sure that the next `bytes` of fresh memory are backed: touches as many and gives them back to the kernel. A
/// virtual machine may return free memory to its host (free page reporting), and the first touch then takes ten times
/// as long. Returns the bytes per second of the first touch, by which that shows; 0 for fewer than 32 MiB, which are
/// not touched. If it took more than twice as long as the fastest touch of this process, it touches them again, and
/// waits 0.3 s, until the kernel has sorted the pages in.
double WarmMemory(std::uint64_t bytes);

/// Waits for a minute, in which the kernel reports free memory to the host, or until `stop` says so, and returns the
/// rate at which a part of it is touched then.
double AwaitReturnedMemory(const std::function<bool()>& stop);
/// Returns true if memory that is touched at this rate had been returned.
bool IsReturned(double rate);
/// Finds out, once, whether this machine returns free memory within a minute: takes that minute.
bool MachineReturnsMemory(const std::function<bool()>& stop);

/// Returns the rate of the fastest touch so far, and whether any was so much slower that the memory had been returned.
struct TouchRates {
  double fastest = 0;
  bool was_returned = false;
};
TouchRates TouchesSoFar();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_WARM_MEMORY_H_
