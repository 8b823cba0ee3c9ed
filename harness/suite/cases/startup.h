#ifndef LOADPATH_HARNESS_SUITE_CASES_STARTUP_H_
#define LOADPATH_HARNESS_SUITE_CASES_STARTUP_H_

#include <cstdint>
#include <span>
#include <string>

#include "harness/results/sample.h"
#include "harness/suite/case.h"
#include "loadpath/model.h"

namespace loadpath {

/// Takes one sample of a startup case in this very process, which was started for it at `started_at` (MonotonicNs() of
/// the parent) and has done nothing else, and compares its answer. Throws Skipped, WrongAnswer and others.
struct StartupAnswer {
  Sample sample;
  std::uint64_t bytes = 0;
  std::string difference;
};
StartupAnswer TakeStartupSample(const Case& one, const std::string& data, std::int64_t started_at,
                                std::span<const Model> models);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_CASES_STARTUP_H_
