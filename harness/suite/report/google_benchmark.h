#ifndef LOADPATH_HARNESS_SUITE_REPORT_GOOGLE_BENCHMARK_H_
#define LOADPATH_HARNESS_SUITE_REPORT_GOOGLE_BENCHMARK_H_

#include <functional>
#include <span>

#include "harness/suite/options.h"
#include "harness/suite/run.h"

namespace loadpath {

/// Returns the processor's caches as Google Benchmark finds them.
std::vector<CpuCache> CpuCaches();

/// Hands Google Benchmark its flags. Throws UsageError for one that it does not have, or whose value it does not take.
/// Its variables in the environment choose nothing that our flags choose.
void InitializeGoogleBenchmark(const GoogleFlags& google);

/// Takes the samples of the verified runs through Google Benchmark, repetitions interleaved in random order. A run that
/// fails on the way gets the status "error"; Google Benchmark is never told (SkipWithError crashes its releases with
/// repetitions). After an interrupt no further sample is taken. What Google Benchmark prints or writes (its
/// --benchmark_* flags) has an error row for each of `not_timed` and for each run that failed or was cut short.
/// Calls `between` before each repetition. InitializeGoogleBenchmark comes before.
void TakeSamples(std::span<Run* const> verified, std::span<Run* const> not_timed, const SuiteOptions& options,
                 const Context& context, const std::function<void()>& between);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_REPORT_GOOGLE_BENCHMARK_H_
