#ifndef LOADPATH_HARNESS_SUITE_OPTIONS_H_
#define LOADPATH_HARNESS_SUITE_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/suite/case.h"
#include "loadpath/python_twins.h"

namespace loadpath {

/// What the command line asks for.
enum class Task : std::uint8_t {
  kRun,
  kListCases,
  kListModels,
  kListPaths,
  kShowVersion,
  kCheckData,
  kWorker,
  kCalibrate
};

/// Google Benchmark's own flags.
struct GoogleFlags {
  bool display = false;    ///< --benchmark_format: it prints to standard output, and our table is not printed
  double min_time = 0;     ///< --benchmark_min_time: every case is sampled for so many seconds
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
  std::vector<MemoryState> memories = {MemoryState::kBacked};
  std::string json, data;
  std::string costs;                        ///< the costs file that the run is held against
  std::string write_costs;                  ///< the costs file to write
  std::vector<UserCheckpoint> checkpoints;  ///< no two alike
  int samples = 0;                          ///< rounds; 0: as many as the time allows
  double time = 0;                          ///< seconds that sampling may take; 0: not said
  std::uint32_t seed = 0;                   ///< of the order of the rounds
  bool quick = false;
  bool verbose = false;  ///< the table has a line for every case that was skipped
  GoogleFlags google;
  std::string program;    ///< how messages call it
  std::string make_data;  ///< what a message about missing reference data ends with
  PythonTwins twins;
  std::string command;  ///< as typed
};

/// What a suite says of its reference data.
struct SuiteDefaults {
  std::string data{};  ///< where they lie; empty: reference/ beside the program's folder
  std::string make_data = "scripts/bench makes it";
  /// How the Python twins are run; without `python`, what lies beside the program's folder in a checkout.
  PythonTwins twins{};
  std::string model = "linear";  ///< that the examples of --help name
};

/// Returns the file name of argv[0].
std::string ProgramName(int argc, char** argv);

/// The Python and the modules of the checkout that the program lies in, in its build folder.
PythonTwins TwinsOfCheckout();

/// Throws UsageError. Returns nullopt if it printed the help.
std::optional<SuiteOptions> ParseOptions(int argc, char** argv, const SuiteDefaults& defaults = {});

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_OPTIONS_H_
