#include "harness/suite/report/complete_reporter.h"

#include <algorithm>

namespace loadpath {
namespace {

// The names of these two fields depend on Google Benchmark's version (1.8 renamed them).
template <class GoogleRun>
void MarkError(GoogleRun& run, const std::string& message) {
  if constexpr (requires { run.error_occurred; }) {
    run.error_occurred = true;
    run.error_message = message;
  } else {
    constexpr int kSkippedWithError = 2;
    run.skipped = static_cast<decltype(run.skipped)>(kSkippedWithError);
    run.skip_message = message;
  }
}

// Of a repetition its own sample's, of an aggregate the same aggregate over all of them.
void SetCpuTime(const std::vector<std::int64_t>& cpu_ns, benchmark::BenchmarkReporter::Run& run) {
  const auto seconds = [](std::int64_t ns) { return static_cast<double>(ns) * 1e-9; };
  if (run.run_type == benchmark::BenchmarkReporter::Run::RT_Iteration) {
    run.cpu_accumulated_time = seconds(cpu_ns.at(static_cast<std::size_t>(run.repetition_index)));
    return;
  }
  std::vector<double> all;
  for (const std::int64_t ns : cpu_ns) all.push_back(seconds(ns));
  if (run.statistics == nullptr) return;
  const auto found = std::ranges::find(*run.statistics, run.aggregate_name, &benchmark::internal::Statistics::name_);
  if (found == run.statistics->end()) return;
  run.cpu_accumulated_time = found->compute_(all);
  if (run.aggregate_unit == benchmark::kTime) run.cpu_accumulated_time *= static_cast<double>(run.iterations);
}

}  // namespace

bool CompleteReporter::ReportContext(const Context& context) {
  inner_.SetOutputStream(&GetOutputStream());
  inner_.SetErrorStream(&GetErrorStream());
  return inner_.ReportContext(context);
}

void CompleteReporter::ReportRuns(const std::vector<Run>& runs) {
  if (runs.empty()) return;
  // A series keeps its name, however many samples a repetition took this time.
  std::vector<Run> named = runs;
  for (Run& run : named) {
    const std::string name = run.run_name.function_name;
    run.run_name = {};
    run.run_name.function_name = name;
    SetCpuTime(CpuNs(*timed_.at(static_cast<std::size_t>(run.family_index))), run);
  }
  inner_.ReportRuns(named);
}

void CompleteReporter::Finalize() {
  for (const NotTimed& one : not_timed_) {
    Run run;
    run.run_name.function_name = one.name;
    run.family_index = run.per_family_instance_index = run.repetition_index = 0;
    run.repetitions = 1;
    run.iterations = 0;
    run.statistics = nullptr;
    MarkError(run, one.reason);
    inner_.ReportRuns({run});
  }
  inner_.Finalize();
}

}  // namespace loadpath
