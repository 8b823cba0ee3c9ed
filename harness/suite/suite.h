#ifndef LOADPATH_HARNESS_SUITE_SUITE_H_
#define LOADPATH_HARNESS_SUITE_SUITE_H_

#include <span>
#include <string>
#include <vector>

#include "harness/results/record.h"
#include "harness/suite/options.h"
#include "harness/suite/run.h"
#include "models/model.h"

namespace loadpath {

/// What a run of the suite ended with.
struct SuiteResult {
  Context context;
  std::vector<Record> records;        ///< in the catalogue's order, limits first
  std::vector<std::string> messages;  ///< for standard error: why the exit status is not 0, a line each
  int exit_status = 0;
};

/// The chosen cases, without the limits that loads are held against.
std::vector<Case> ChosenCases(const SuiteOptions& options, std::span<const Model> models);

/// Checks and samples the chosen cases and their limits, and writes `options.json`. Throws UsageError for
/// bad use, and CheckpointError if a results file cannot be written: before anything is measured, if possible.
SuiteResult RunSuite(const SuiteOptions& options, std::span<const Model> models);

/// The exit status and its messages: 2 if the user's own files were all bad input and nothing else was asked for; 130
/// after an interrupt; 1 if a case was wrong or failed, if reference data are missing, or if nothing ran; else 0.
/// `limits`: how many of the runs, the first ones, were not asked for.
void SetExitStatus(std::span<Run* const> runs, std::size_t limits, bool interrupted, SuiteResult& result);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_SUITE_H_
