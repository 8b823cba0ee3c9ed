#ifndef LOADPATH_HARNESS_SUITE_OPTIONS_H_
#define LOADPATH_HARNESS_SUITE_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "harness/suite/case.h"
#include "harness/suite/cases/startup.h"

namespace loadpath {

/// What the command line asks for.
enum class Task : std::uint8_t {
  kRun,
  kListCases,
  kListModels,
  kListPaths,
  kShowVersion,
  kCheckData,
  kTakeStartupSample
};

/// Google Benchmark's own flags.
struct GoogleFlags {
  bool display = false;    ///< --benchmark_format: it prints to standard output, and our table is not printed
  bool min_time = false;   ///< it decides how many samples a repetition takes
  std::string out;         ///< --benchmark_out: it writes this file
  std::string program;     ///< how its reports and our messages call the program
  std::string out_format;  ///< "json", "csv" or "console"
  std::vector<std::string> arguments;
};

struct SuiteOptions {
  Task task = Task::kRun;
  std::string filter;                 ///< see Select
  std::optional<CaseKind> kind = {};  ///< of what the filter chooses, only the cases of this kind
  std::vector<DeviceName> devices = {{}};
  bool all_devices = false;  ///< a device that is not there is skipped, not bad use
  std::vector<CacheState> caches = {CacheState::kHot};
  std::string json, data;
  std::string costs;                        ///< the costs file that the run is held against
  std::string write_costs;                  ///< the costs file to write
  std::vector<UserCheckpoint> checkpoints;  ///< no two alike
  int repetitions = 10;
  bool quick = false;
  GoogleFlags google;
  std::string program;    ///< how messages call it
  std::string make_data;  ///< what a message about missing reference data ends with
  std::string command;    ///< as typed
  StartupSample startup;
};

/// What a suite says of its reference data.
struct SuiteDefaults {
  std::string data{};  ///< where they lie; empty: reference/ beside the program's folder
  std::string make_data = "scripts/bench makes it";
  std::string model = "linear";  ///< that the examples of --help name
};

/// Returns the file name of argv[0].
std::string ProgramName(int argc, char** argv);

/// Throws UsageError. Returns nullopt if it printed the help.
std::optional<SuiteOptions> ParseOptions(int argc, char** argv, const SuiteDefaults& defaults = {});

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_OPTIONS_H_
