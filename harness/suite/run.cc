#include "harness/suite/run.h"

#include <c10/util/Exception.h>

#include <algorithm>

#include "harness/load/load_path.h"
#include "harness/measure/page_cache.h"
#include "harness/results/costs.h"

namespace loadpath {

std::string ReasonOf(const std::exception& error) {
  const auto* libtorch = dynamic_cast<const c10::Error*>(&error);
  std::string text = libtorch != nullptr ? libtorch->what_without_backtrace() : error.what();
  while (text.ends_with('\n') || text.ends_with(' ')) text.pop_back();
  return text;
}

void MakeCold(std::span<const std::string> files) {
  const Residency left = Evict(files);
  if (left.cold()) return;
  throw Skipped("cannot be made cold: " + std::to_string(left.resident) + " of " + std::to_string(left.pages) +
                " pages stay in the page cache, as they do on tmpfs, or while a process maps them");
}

Run::Run(const Case& one) : case_(one) {
  record.name = one.name();
  record.group = one.group();
  record.label = one.label();
  record.kind = one.kind;
  record.model = one.model;
  record.format = one.format;
  record.layout = one.layout;
  record.path = one.path;
  record.device = one.device;
  record.cache = one.cache;
  record.memory = one.memory;
  if (one.batch > 0) record.batch = one.batch;
  if (one.threads > 0) record.threads = one.threads;
}

void Run::Keep(Sample sample) {
  const bool hot = case_.cache == CacheState::kHot, cold = case_.cache && !hot;
  const double part = sample.residency_before.value_or(cold ? 0 : 1);
  if (!sample.valid || (cold && part > kMostOfCold) || (hot && part < kLeastOfHot)) {
    record.dropped = record.dropped.value_or(0) + 1;
    return;
  }
  if (!sample.costs.empty()) {
    for (const std::string& name : DifferingCosts(CostsOf(record), sample.costs)) {
      if (std::ranges::find(record.varying, name) == record.varying.end()) record.varying.push_back(name);
    }
  }
  record.samples.push_back(std::move(sample));
}

}  // namespace loadpath
