#ifndef LOADPATH_HARNESS_RESULTS_STATISTICS_H_
#define LOADPATH_HARNESS_RESULTS_STATISTICS_H_

#include <cstdint>
#include <optional>
#include <span>

namespace loadpath {

/// What is told of a case's samples. A percentile that the number of samples cannot carry is absent: p90 needs 10, p99
/// needs 100 (the p99 of 9 samples is their maximum).
struct Statistics {
  double median = 0;
  std::optional<double> p90 = {}, p99 = {};
};

/// Percentiles by linear interpolation between the two nearest samples, as numpy's default. `samples` is not empty.
Statistics Summarize(std::span<const std::int64_t> samples);

/// Where the median lies: the 95 % bootstrap interval of `samples`, by 1,000 draws of a generator with a fixed seed, so
/// that the same samples always give the same interval; of more than 1,000 samples, that of their order statistics.
/// nullopt for fewer than 5.
struct Interval {
  double low = 0, high = 0;
};
std::optional<Interval> MedianInterval(std::span<const std::int64_t> samples);

/// The median alone; 0 for no samples.
double Median(std::span<const std::int64_t> samples);
double Median(std::span<const double> samples);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_RESULTS_STATISTICS_H_
