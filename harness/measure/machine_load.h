#ifndef LOADPATH_HARNESS_MEASURE_MACHINE_LOAD_H_
#define LOADPATH_HARNESS_MEASURE_MACHINE_LOAD_H_

#include <span>
#include <string>
#include <string_view>

namespace loadpath {

/// Seconds of processor time so far, summed over the processors that this process may use.
struct CpuTimes {
  double at = 0;      ///< when they were read, on the monotonic clock
  double busy = 0;    ///< of all processes of the machine, user and system
  double stolen = 0;  ///< what the host of a virtual machine gave to others
  double own = 0;     ///< of this process and of its children
  int processors = 0;
};
/// All zero but for `at` and `own` if /proc/stat cannot be read.
CpuTimes ReadCpuTimes();

/// Fills in `busy`, `stolen` and `processors` from the text of /proc/stat: of the processors with these numbers.
CpuTimes ParseCpuTimes(std::string_view stat, std::span<const int> processors, double ticks_per_second);

/// How many processors others kept busy, on average over some time.
struct MachineLoad {
  double seconds = 0;
  double others = 0;  ///< other processes
  double stolen = 0;  ///< the host of a virtual machine
  int processors = 0;
};
MachineLoad LoadBetween(const CpuTimes& begin, const CpuTimes& end);

/// Returns true if others took so much that times are not to be trusted: a tenth of the processors by other processes,
/// or a twentieth by the host. Half a second at least must have passed, because the kernel counts in hundredths.
bool IsBusy(const MachineLoad& load);

/// Returns "other processes used 0.9 of 2 processors (load average 2.31)", for a machine that is busy.
std::string BusyText(const MachineLoad& load, std::string_view load_average);

/// Returns the load average of the last minute: "2.31", or an empty text if it cannot be read.
std::string LoadAverage();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_MACHINE_LOAD_H_
