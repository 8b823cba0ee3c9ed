#ifndef LOADPATH_BENCH_GOOGLE_H_
#define LOADPATH_BENCH_GOOGLE_H_

#include <memory>
#include <span>

#include "bench/run.h"

namespace loadpath::bench {

/// Takes the samples of all verified runs through Google Benchmark, repetitions interleaved in random order. A run that
/// fails on the way gets the status "error" and loses its samples; Google Benchmark is never told (SkipWithError crashes
/// its releases with repetitions). Throws UsageError for a --benchmark_* flag that is not one.
void TakeSamples(std::span<const std::unique_ptr<Run>> runs, const Options& options, const Context& context);

}  // namespace loadpath::bench

#endif  // LOADPATH_BENCH_GOOGLE_H_
