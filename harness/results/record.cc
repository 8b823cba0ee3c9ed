#include "harness/results/record.h"

#include <cmath>

#include "harness/results/statistics.h"

namespace loadpath {

std::vector<std::int64_t> WallNs(const Record& record) {
  std::vector<std::int64_t> times;
  times.reserve(record.samples.size());
  for (const Sample& sample : record.samples) times.push_back(sample.wall_ns);
  return times;
}

std::vector<std::int64_t> CpuNs(const Record& record) {
  std::vector<std::int64_t> times;
  times.reserve(record.samples.size());
  for (const Sample& sample : record.samples) times.push_back(sample.cpu_ns);
  return times;
}

std::vector<std::int64_t> FirstOfTurns(const Record& record) {
  std::map<std::uint64_t, std::pair<std::size_t, std::int64_t>> rounds;  // how many samples, and the first one's time
  for (const Sample& sample : record.samples) {
    auto& [count, first] = rounds[sample.round];
    if (count++ == 0) first = sample.wall_ns;
  }
  std::vector<std::int64_t> firsts;
  bool several = false;
  for (const auto& [round, turn] : rounds) {
    several |= turn.first > 1;
    firsts.push_back(turn.second);
  }
  return several ? firsts : std::vector<std::int64_t>();
}

std::map<std::string, std::int64_t> PhaseMedians(const Record& record) {
  std::map<std::string, std::vector<std::int64_t>> phases;
  for (const Sample& sample : record.samples) {
    for (const auto& [phase, ns] : sample.phases_ns) phases[phase].push_back(ns);
  }
  std::map<std::string, std::int64_t> medians;
  for (const auto& [phase, times] : phases) medians[phase] = std::llround(Median(times));
  return medians;
}

std::optional<std::uint64_t> MedianCount(const Record& record, std::optional<std::uint64_t> Sample::*peak) {
  std::vector<std::int64_t> peaks;
  for (const Sample& sample : record.samples) {
    if (sample.*peak) peaks.push_back(static_cast<std::int64_t>(*(sample.*peak)));
  }
  return peaks.empty() ? std::nullopt : std::optional(static_cast<std::uint64_t>(std::llround(Median(peaks))));
}

std::optional<double> GreatestResidencyBefore(const Record& record) {
  std::optional<double> greatest;
  for (const Sample& sample : record.samples) {
    if (sample.residency_before) greatest = std::max(greatest.value_or(0), *sample.residency_before);
  }
  return greatest;
}

}  // namespace loadpath
