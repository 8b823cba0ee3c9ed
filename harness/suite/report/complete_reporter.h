#ifndef LOADPATH_HARNESS_SUITE_REPORT_COMPLETE_REPORTER_H_
#define LOADPATH_HARNESS_SUITE_REPORT_COMPLETE_REPORTER_H_

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "harness/results/record.h"

namespace loadpath {

/// Hands everything to another of Google Benchmark's reporters, with the processor times of our samples in place of
/// those that Google Benchmark measured, and adds an error row for each case that has no time.
class CompleteReporter : public benchmark::BenchmarkReporter {
 public:
  /// A row without a time. `reason` is the error message.
  struct NotTimed {
    std::string name, reason;
  };

  /// All three outlive this. `timed`: the records of the registered benchmarks, in their order.
  CompleteReporter(benchmark::BenchmarkReporter& inner, const std::vector<const Record*>& timed,
                   const std::vector<NotTimed>& not_timed)
      : inner_(inner), timed_(timed), not_timed_(not_timed) {}

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

 private:
  benchmark::BenchmarkReporter& inner_;
  const std::vector<const Record*>& timed_;
  const std::vector<NotTimed>& not_timed_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_REPORT_COMPLETE_REPORTER_H_
