#ifndef LOADPATH_HARNESS_SUITE_SUITE_H_
#define LOADPATH_HARNESS_SUITE_SUITE_H_

#include <span>
#include <string>
#include <vector>

#include "harness/results/record.h"
#include "harness/suite/options.h"
#include "harness/suite/report/exit_status.h"
#include "harness/suite/run.h"
#include "loadpath/model.h"

namespace loadpath {

/// What a run of the suite ended with.
struct SuiteResult {
  Context context;
  RunNotes notes;
  std::vector<Record> records;  ///< in the catalogue's order, then the limits beside them
  ExitStatus exit;
};

/// The chosen cases, without the limits that loads are held against.
std::vector<Case> ChosenCases(const SuiteOptions& options, std::span<const Model> models);

/// Opens the devices that the cases ask for, without TF32. Throws UsageError if one is not there, unless all are asked
/// for.
void OpenDevices(const SuiteOptions& options);

/// Checks one case. One that cannot run or is wrong keeps its record, with status and reason, and is not to be timed.
void VerifyRun(Run& run, bool all_devices);

/// Checks and samples the chosen cases and their limits, and writes `options.json`. Throws UsageError for bad use, and
/// CheckpointError if a results file cannot be written, before anything is measured. If the disk fills up meanwhile,
/// the exit status says so. SIGINT and SIGTERM end it early (NoteInterrupts).
SuiteResult RunSuite(const SuiteOptions& options, std::span<const Model> models);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_SUITE_H_
