#ifndef LOADPATH_HARNESS_MEASURE_WARM_MEMORY_H_
#define LOADPATH_HARNESS_MEASURE_WARM_MEMORY_H_

#include <cstdint>
#include <functional>

namespace loadpath {

/// Makes sure that the next `bytes` of fresh memory are backed: touches as many and gives them back to the kernel. A
/// virtual machine may return free memory to its host (free page reporting), and the first touch then takes ten times
/// as long. Returns the bytes per second of the first touch; 0 for fewer than 32 MiB, which are not touched. If that
/// was slow, it touches them again; if the second touch is four times as fast, the memory had been returned, and it
/// waits 0.3 s, until the kernel has sorted the pages in. Else the machine is busy.
double WarmMemory(std::uint64_t bytes);

/// Waits for a minute, in which the kernel reports free memory to the host, or until `stop` says so. Then touches a
/// part of it twice.
struct ReturnedMemory {
  double rate = 0;        ///< bytes per second of the first touch
  bool returned = false;  ///< the second was four times as fast
};
ReturnedMemory AwaitReturnedMemory(const std::function<bool()>& stop);
/// Finds out, once, whether this machine returns free memory within a minute: takes that minute.
bool MachineReturnsMemory(const std::function<bool()>& stop);

/// Returns true if memory was seen so far that had been returned.
bool MemoryWasReturned();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_WARM_MEMORY_H_
