#ifndef LOADPATH_HARNESS_SUITE_CASES_STARTUP_H_
#define LOADPATH_HARNESS_SUITE_CASES_STARTUP_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "loadpath/model.h"

namespace loadpath {

/// What the new process of a startup case is told on its command line.
struct StartupSample {
  std::string one;              ///< the case, as CaseToJson writes it
  std::string data;             ///< folder of the reference data
  std::int64_t started_at = 0;  ///< MonotonicNs() of the parent just before it started the process
};

/// The command line of such a process, and back (main calls RunStartupSample if `--startup-sample` is given).
std::vector<std::string> StartupArguments(const std::string& program, const StartupSample& sample);

/// The whole work of the new process. Prints one line of JSON and returns the exit status.
int RunStartupSample(const StartupSample& sample, std::span<const Model> models);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_CASES_STARTUP_H_
