#ifndef LOADPATH_HARNESS_SUITE_SAMPLING_SAMPLING_H_
#define LOADPATH_HARNESS_SUITE_SAMPLING_SAMPLING_H_

#include <functional>
#include <span>

#include "harness/suite/options.h"
#include "harness/suite/run.h"

namespace loadpath {

/// Takes the samples of the verified runs, round by round as Schedule has it from options.seed, until the budget is
/// spent. A run that fails on the way gets the status "error" and no further turn. After an interrupt no further sample
/// is taken. Calls `between` before each turn. Shows its progress on a terminal.
void TakeSamples(std::span<Run* const> verified, const SuiteOptions& options, const std::function<void()>& between);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_SAMPLING_SAMPLING_H_
