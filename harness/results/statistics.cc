#include "harness/results/statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace loadpath {
namespace {

double Percentile(const std::vector<std::int64_t>& sorted, double part) {
  const double at = part * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(std::floor(at));
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  const auto a = static_cast<double>(sorted[low]), b = static_cast<double>(sorted[high]);
  return a + (b - a) * (at - static_cast<double>(low));
}

std::vector<std::int64_t> Sorted(std::span<const std::int64_t> samples) {
  std::vector<std::int64_t> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  return sorted;
}

}  // namespace

Statistics Summarize(std::span<const std::int64_t> samples) {
  const auto sorted = Sorted(samples);
  Statistics statistics{.median = Percentile(sorted, 0.5)};
  if (sorted.size() >= 10) statistics.p90 = Percentile(sorted, 0.9);
  if (sorted.size() >= 100) statistics.p99 = Percentile(sorted, 0.99);
  return statistics;
}

double Median(std::span<const std::int64_t> samples) { return samples.empty() ? 0 : Percentile(Sorted(samples), 0.5); }

}  // namespace loadpath
