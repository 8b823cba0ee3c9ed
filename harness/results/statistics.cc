#include "harness/results/statistics.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace loadpath {
namespace {

template <class Number>
double Percentile(const std::vector<Number>& sorted, double part) {
  const double at = part * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(std::floor(at));
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  const auto a = static_cast<double>(sorted[low]), b = static_cast<double>(sorted[high]);
  return a + (b - a) * (at - static_cast<double>(low));
}

template <class Number>
std::vector<Number> Sorted(std::span<const Number> samples) {
  std::vector<Number> sorted(samples.begin(), samples.end());
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

std::optional<Interval> MedianInterval(std::span<const std::int64_t> samples) {
  constexpr std::size_t kLeast = 5, kMany = 1000, kDraws = 1000;
  if (samples.size() < kLeast) return std::nullopt;
  if (samples.size() > kMany) {
    // The draws would take minutes, and say what the order statistics say: ranks n/2 ± 0.98 √n (binomial, 95 %).
    const std::vector<std::int64_t> sorted = Sorted(samples);
    const double part = 0.98 / std::sqrt(static_cast<double>(sorted.size()));
    return Interval{Percentile(sorted, 0.5 - part), Percentile(sorted, 0.5 + part)};
  }
  std::mt19937_64 random(1);
  std::vector<std::int64_t> draw(samples.size());
  std::vector<double> medians(kDraws);
  for (double& median : medians) {
    for (std::int64_t& one : draw) one = samples[random() % samples.size()];
    const auto middle = draw.begin() + static_cast<std::ptrdiff_t>(draw.size() / 2);
    std::ranges::nth_element(draw, middle);
    median = static_cast<double>(*middle);
    if (draw.size() % 2 == 0) median = (median + static_cast<double>(*std::max_element(draw.begin(), middle))) / 2;
  }
  std::ranges::sort(medians);
  return Interval{Percentile(medians, 0.025), Percentile(medians, 0.975)};
}

double Median(std::span<const std::int64_t> samples) { return samples.empty() ? 0 : Percentile(Sorted(samples), 0.5); }

double Median(std::span<const double> samples) { return samples.empty() ? 0 : Percentile(Sorted(samples), 0.5); }

}  // namespace loadpath
