#ifndef LOADPATH_HARNESS_SUITE_REPORT_SURROUNDINGS_H_
#define LOADPATH_HARNESS_SUITE_REPORT_SURROUNDINGS_H_

#include <set>
#include <string>
#include <vector>

#include "harness/measure/machine_load.h"
#include "harness/measure/run_lock.h"

namespace loadpath {

/// Watches what else the machine does while a run measures: other runs, other processes, the host.
class Surroundings {
 public:
  /// Other runs are those that share one of these folders' locks: the data and the temporary folder of the machine.
  explicit Surroundings(const std::vector<std::string>& folders);

  /// Looks for other runs, twice a second at most. To be called between samples.
  void Look();
  /// Ends one part of the run: what others did in it is judged by itself.
  void EndPart();

  /// Returns the sentence about the other runs that were seen so far, or an empty text.
  std::string OtherRuns() const;
  /// Returns a sentence for each thing that disturbed the run, in the parts that were ended.
  std::vector<std::string> Warnings() const;

 private:
  RunLock lock_;
  std::set<int> others_;
  CpuTimes begin_;
  double looked_at_;
  MachineLoad worst_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_REPORT_SURROUNDINGS_H_
