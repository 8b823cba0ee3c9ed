#ifndef LOADPATH_HARNESS_MEASURE_COUNTERS_H_
#define LOADPATH_HARNESS_MEASURE_COUNTERS_H_

#include <cstdint>

namespace loadpath {

/// Counts page faults and processor time of the whole process so far (getrusage): take two and subtract.
struct ProcessCounters {
  std::uint64_t minor_faults = 0;  ///< served without reading from a disk
  std::uint64_t major_faults = 0;
  std::int64_t cpu_ns = 0;  ///< of all threads, user and system

  ProcessCounters operator-(const ProcessCounters& start) const {
    return {minor_faults - start.minor_faults, major_faults - start.major_faults, cpu_ns - start.cpu_ns};
  }
};
ProcessCounters ReadProcessCounters();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_COUNTERS_H_
