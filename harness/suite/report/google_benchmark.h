#ifndef LOADPATH_HARNESS_SUITE_REPORT_GOOGLE_BENCHMARK_H_
#define LOADPATH_HARNESS_SUITE_REPORT_GOOGLE_BENCHMARK_H_

#include <span>

#include "harness/suite/options.h"
#include "harness/suite/run.h"

namespace loadpath {

/// Returns the processor's caches as Google Benchmark finds them.
std::vector<CpuCache> CpuCaches();

/// Hands Google Benchmark its flags. Throws UsageError for one that it does not have, or whose value it does not take.
/// Its variables in the environment choose nothing that our flags choose.
void InitializeGoogleBenchmark(const GoogleFlags& google);

/// Hands the samples of the runs to Google Benchmark, one a repetition, if one of its flags asks it to print or to
/// write a file. So its formats, its aggregates and its flags are its own, and the times are ours. A run that was not
/// timed gets an error row; Google Benchmark is never told of it (SkipWithError crashes its releases with repetitions).
/// InitializeGoogleBenchmark comes before.
void ReportToGoogleBenchmark(std::span<Run* const> runs, const SuiteOptions& options, const Context& context);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_REPORT_GOOGLE_BENCHMARK_H_
