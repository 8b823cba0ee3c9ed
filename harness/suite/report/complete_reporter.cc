#include "harness/suite/report/complete_reporter.h"

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

}  // namespace

bool CompleteReporter::ReportContext(const Context& context) {
  inner_.SetOutputStream(&GetOutputStream());
  inner_.SetErrorStream(&GetErrorStream());
  return inner_.ReportContext(context);
}

void CompleteReporter::ReportRuns(const std::vector<Run>& runs) {
  if (runs.empty() || !is_good_(static_cast<std::size_t>(runs.front().family_index))) return;
  // A series keeps its name, however many samples a repetition took this time.
  std::vector<Run> named = runs;
  for (Run& run : named) {
    const std::string name = run.run_name.function_name;
    run.run_name = {};
    run.run_name.function_name = name;
  }
  inner_.ReportRuns(named);
}

void CompleteReporter::Finalize() {
  for (const NotTimed& one : not_timed_()) {
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
