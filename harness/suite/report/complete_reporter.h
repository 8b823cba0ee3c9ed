#ifndef LOADPATH_HARNESS_SUITE_REPORT_COMPLETE_REPORTER_H_
#define LOADPATH_HARNESS_SUITE_REPORT_COMPLETE_REPORTER_H_

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

namespace loadpath {

/// Hands everything to another of Google Benchmark's reporters, but leaves out the benchmarks whose times mean nothing,
/// and adds an error row for each case that has no time.
class CompleteReporter : public benchmark::BenchmarkReporter {
 public:
  /// A row without a time. `reason` is the error message.
  struct NotTimed {
    std::string name, reason;
  };

  /// `inner` outlives this. `is_good` says of the n-th registered benchmark whether its times count, and is asked once
  /// they were taken; `not_timed` is asked at the end.
  CompleteReporter(benchmark::BenchmarkReporter& inner, std::function<bool(std::size_t)> is_good,
                   std::function<std::vector<NotTimed>()> not_timed)
      : inner_(inner), is_good_(std::move(is_good)), not_timed_(std::move(not_timed)) {}

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

 private:
  benchmark::BenchmarkReporter& inner_;
  std::function<bool(std::size_t)> is_good_;
  std::function<std::vector<NotTimed>()> not_timed_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_REPORT_COMPLETE_REPORTER_H_
