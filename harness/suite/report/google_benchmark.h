#ifndef LOADPATH_HARNESS_SUITE_GOOGLE_BENCHMARK_H_
#define LOADPATH_HARNESS_SUITE_GOOGLE_BENCHMARK_H_

#include <memory>
#include <span>

#include "harness/suite/run.h"

namespace loadpath::bench {

/// Takes the samples of all verified runs through Google Benchmark, repetitions interleaved in random order. A run that
/// fails on the way gets the status "error" and loses its samples; Google Benchmark is never told (SkipWithError
/// crashes its releases with repetitions). Throws UsageError for a --benchmark_* flag that is not one.
void TakeSamples(std::span<const std::unique_ptr<Run>> runs, const Options& options, const Context& context);

}  // namespace loadpath::bench

#endif  // LOADPATH_HARNESS_SUITE_GOOGLE_BENCHMARK_H_
