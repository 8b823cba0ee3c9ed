#ifndef LOADPATH_HARNESS_SUITE_CALIBRATE_H_
#define LOADPATH_HARNESS_SUITE_CALIBRATE_H_

#include <string>

#include "harness/load/auto_costs.h"

namespace loadpath {

/// Fits what `auto` reckons with to this machine: loads checkpoints of one small tensor, of many and of a few large
/// ones by mapping and by reading, hot and cold, and takes medians. They lie in `folder` for that long and take 64 MiB.
/// Takes some seconds. Throws std::runtime_error.
AutoCosts Calibrate(const std::string& folder);

/// Returns the costs as a table for people, with the line that sets them.
std::string CalibrationText(const AutoCosts& costs);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_CALIBRATE_H_
