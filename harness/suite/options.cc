#include "harness/suite/options.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <random>

#include "harness/base/error.h"
#include "harness/base/paths.h"
#include "harness/base/text.h"
#include "harness/command_line/command_line.h"
#include "harness/inspect/file_and_key.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/report/google_benchmark.h"

namespace loadpath {
namespace {

constexpr const char* kDefaults = R"(
Without --filter the usual cases run; --filter . means all; startup/... runs only if the filter says so.
With --checkpoint only the cases of these files, and the limits, are there to choose from.
Every --benchmark_* flag of Google Benchmark works. `PROGRAM ckpt --help` says what it does with one file at a time.
)";

constexpr const char* kStatus = R"(
exit status: 0 all right; 1 a case was wrong or failed, or nothing was timed, or a case was skipped that is expected to run or that --filter names in full, or a cost is not as in --costs; 2 bad use, a filter that matches no case too; 130 interrupted (what was measured is reported)
)";

constexpr struct {
  const char *arguments, *summary;
} kExamples[] = {
    {"--filter '^load/MODEL/zip/bare/'", "every load path of one checkpoint"},
    {"--filter '/MODEL/' --quick", "all of one model, a few samples"},
    {"--filter '^load/MODEL/zip/nested/direct' --cache cold", ""},
    {"--checkpoint my.pth::model_state_dict", "your own file on every load path"},
    {"--checkpoint my.pth --filter /direct/", "the same on one load path"},
    {"--list --filter .", "every case"},
    {"--filter '^forward/' --json run.json", "every sample (results/schema.json)"},
    {"--filter '^load/MODEL/' --time 2m --seed 7", "two minutes of rounds"},
};

std::string Footer(const std::string& program, const std::string& model) {
  Table kinds({Align::kLeft, Align::kLeft}), examples({Align::kLeft, Align::kLeft});
  for (const CaseKindRow& row : CaseKindRows()) kinds.Add({std::string(row.form), std::string(row.summary)});
  for (const auto& [arguments, summary] : kExamples) {
    std::string line = program + " " + arguments;
    if (const std::size_t at = line.find("MODEL"); at != std::string::npos) line.replace(at, 5, model);
    examples.Add({line, summary});
  }
  std::string text = "cases:\n", defaults = kDefaults;
  kinds.AppendTo(text, "  ");
  defaults.replace(defaults.find("PROGRAM"), 7, program);
  text += defaults + "\nexamples:\n";
  examples.AppendTo(text, "  ");
  return text + kStatus;
}

// Returns a length of time of Google Benchmark's or of ours, "2", "0.5s", in seconds; 0 if it is none.
double SecondsOf(const std::string& text) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const std::string_view unit(end, text.data() + text.size());
  const double scale = unit == "ms" ? 1e-3 : unit == "m" || unit == "min" ? 60 : unit.empty() || unit == "s" ? 1 : 0;
  return error == std::errc() && seconds > 0 && seconds <= 1e6 ? seconds * scale : 0;
}

std::string CheckSeconds(const std::string& text) {
  return SecondsOf(text) > 0 ? "" : text + ": not a length of time; use 30s or 2m";
}

// Takes a flag that is Google Benchmark's alone.
void TakeGoogleFlag(const std::string& flag, GoogleFlags& google) {
  const std::size_t equals = flag.find('=');
  const std::string name = flag.substr(0, equals), value = equals == std::string::npos ? "" : flag.substr(equals + 1);
  // It runs nothing: our samples are handed to it.
  if (name == "--benchmark_min_warmup_time") return;
  if (name == "--benchmark_format") google.display = true;
  if (name == "--benchmark_min_time") {
    google.min_time = SecondsOf(value);
    if (google.min_time <= 0) throw UsageError(flag + ": not a length of time; use 2 or 0.5s");
    return;
  }
  if (name == "--benchmark_out") google.out = value;
  if (name == "--benchmark_out_format") google.out_format = value;
  google.arguments.push_back(flag);
}

UserCheckpoint ParseCheckpoint(const std::string& text) {
  const FileAndKey name = ParseFileAndKey(text);
  if (name.file.empty()) throw UsageError("--checkpoint " + text + ": no file is named before \"::\"");
  return {.file = name.file, .key = name.key};
}

std::string CheckDevice(const std::string& text) {
  return text == "all" || DeviceName::Parse(text) ? "" : text + ": not known; use cpu, cuda, cuda:N or all";
}

std::string UnexpectedArgument(const CLI::App& app, const std::string& argument) {
  const std::string flag = argument.substr(0, argument.find('='));
  if (flag.starts_with("-")) return "no flag " + Escaped(flag) + DidYouMeanFlag(app, flag);
  const bool file = std::filesystem::exists(ParseCheckpoint(argument).file);
  return "unexpected argument " + Escaped(argument) +
         (file ? ": --checkpoint " + Escaped(argument) + " loads a file of your own" : "");
}

// CLI11 takes whatever follows for the value of a flag, another flag too.
void RequireValues(const CLI::App& app, const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const CLI::Option* option = arguments[i].starts_with("--") ? app.get_option_no_throw(arguments[i]) : nullptr;
    if (option == nullptr || option->get_items_expected_min() == 0) continue;
    if (i + 1 < arguments.size() && !arguments[i + 1].starts_with("--")) {
      ++i;
      continue;
    }
    throw UsageError(arguments[i] + " needs a value (" + app.get_name() + " --help lists the flags)");
  }
}

// "--version" for Task::kShowVersion, and so on. If several are given, the one that was added last counts.
void AddTask(CLI::App& app, SuiteOptions& options, const char* flags, Task task, const char* description) {
  app.add_flag_callback(
      flags, [&options, task] { options.task = task; }, description);
}

}  // namespace

std::string ProgramName(int argc, char** argv) {
  return argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "bench";
}

PythonTwins TwinsOfCheckout() {
  const std::filesystem::path checkout = std::filesystem::path(ProgramFolder()) / "../..";
  return {(checkout / ".venv/bin/python").lexically_normal().string(),
          (checkout / "scripts").lexically_normal().string(), ""};
}

std::optional<SuiteOptions> ParseOptions(int argc, char** argv, const SuiteDefaults& defaults) {
  SuiteOptions options;
  options.program = options.google.program = ProgramName(argc, argv);
  options.make_data = defaults.make_data;
  options.data = !defaults.data.empty()
                     ? defaults.data
                     : (std::filesystem::path(ProgramFolder()) / "../reference").lexically_normal().string();
  options.twins = defaults.twins.python.empty() ? TwinsOfCheckout() : defaults.twins;
  CLI::App app(
      "Measures ways of loading PyTorch checkpoints into LibTorch modules. Every answer is checked before it is timed.",
      options.program);
  LayOutHelp(app);
  app.footer(Footer(options.program, defaults.model));
  std::vector<std::string> checkpoints;
  bool opaque = false;
  std::string oracle;
  std::string device = "cpu", cache = "hot", memory = "backed", time;
  bool list = false;
  app.add_option("--filter,--benchmark_filter", options.filter,
                 "Run the cases whose name has a match of this regular expression (-REGEX: has none)")
      ->check(NotEmpty())
      ->type_name("REGEX");
  app.add_flag("--list,--benchmark_list_tests", list, "Print the names of the cases that would run, one a line");
  app.add_option("--device", device, "Where the modules lie: cpu, cuda (cuda:N) or all")
      ->check(CLI::Validator(CheckDevice, ""))
      ->type_name("cpu|cuda|all");
  app.add_option(
         "--cache", cache,
         "Page cache before each load: hot, cold, copy (cold, and a copy that was never read) or all (hot and cold)")
      ->check(CLI::IsMember({"hot", "cold", "copy", "all"}))
      ->type_name("hot|cold|copy|all");
  app.add_option("--memory", memory,
                 "Free memory before each load: backed, or returned to the host of a virtual machine (that takes a "
                 "minute a sample), or all")
      ->check(CLI::IsMember({"backed", "returned", "all"}))
      ->type_name("backed|returned|all");
  app.add_option("--json", options.json, "Write the results to this file too")->check(NotEmpty())->type_name("PATH");
  app.add_option("--costs", options.costs,
                 "Hold the exact costs of the loads against this file: a difference is exit status 1")
      ->check(NotEmpty())
      ->type_name("FILE");
  app.add_option("--write-costs", options.write_costs, "Write the exact costs of the loads to this file")
      ->check(NotEmpty())
      ->type_name("FILE");
  app.add_option("--checkpoint", checkpoints, "Load a checkpoint of your own by every load path (repeatable)")
      ->check(NotEmpty())
      ->type_name("FILE[::key.path]")
      ->allow_extra_args(false);
  app.add_flag("--opaque", opaque,
               "Open the files of --checkpoint with classes that are not known here, as torch.save(model) writes "
               "them: they become inert names, and nothing in the file is run");
  app.add_option(
         "--oracle", oracle,
         "Who says what the files of --checkpoint hold, to compare with: python (PyTorch; see --python), or our "
         "own reader")
      ->check(CLI::IsMember({"python", "own"}))
      ->type_name("python|own");
  app.add_option("--data", options.data,
                 "The reference data (default: " +
                     (defaults.data.empty() ? "reference/ beside the folder of " + options.program : defaults.data) +
                     ")")
      ->check(NotEmpty())
      ->type_name("DIR");
  app.add_option("--samples,--repetitions,--benchmark_repetitions", options.samples,
                 "Rounds, in each of which every case has its turn, in random order (default: 20, or as many as "
                 "begin within 5 minutes, but 3 at least; with --quick: 3)")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  app.add_option("--time", time, "Go on for so long with rounds of samples: 30s, 2m")
      ->check(CLI::Validator(CheckSeconds, ""))
      ->type_name("TIME");
  app.add_option("--python", options.twins.python,
                 "The Python that runs the models' twins forward, beside the C++ modules (default: " +
                     options.twins.python + ")")
      ->check(NotEmpty())
      ->type_name("FILE");
  CLI::Option* seed = app.add_option("--seed", options.seed,
                                     "Of the order of the rounds: the same seed gives the same order "
                                     "(default: one that is printed)")
                          ->type_name("N");
  app.add_flag("--quick", options.quick, "Take a few samples each: to see that all works, not to compare");
  app.add_flag("--verbose", options.verbose, "Print a line for every case that was skipped, too");
  AddTask(app, options, "--list-models", Task::kListModels, "Print the models, one a line");
  AddTask(app, options, "--list-paths", Task::kListPaths, "Print the load paths, one a line");
  AddTask(app, options, "--check-data", Task::kCheckData,
          "Hold the reference data against their manifest: every file's SHA-256, every model's goldens");
  AddTask(app, options, "--calibrate", Task::kCalibrate,
          "Fit what the load path auto reckons with to this machine, and print it (docs/load_paths.md)");
  AddTask(app, options, "--version", Task::kShowVersion, "Print the version, the commit and what it was built with");
  AddTask(app, options, "--worker", Task::kWorker,
          "Answer requests on standard input, one JSON object a line: for programs that measure (docs/worker.md)");
  std::string kind;
  // For the tests of loadpath_add_suite.
  app.add_option("--kind", kind)->check(CLI::IsMember({"load", "forward"}))->group("");

  std::vector<std::string> own;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i], name = argument.substr(0, argument.find('='));
    if (name.starts_with("--benchmark_") && app.get_option_no_throw(name) == nullptr) {
      TakeGoogleFlag(argument, options.google);
    } else {
      own.push_back(argument);
    }
  }
  for (int i = 0; i < argc; ++i) options.command += (i == 0 ? "" : " ") + std::string(argv[i]);
  RequireValues(app, own);
  std::ranges::reverse(own);
  try {
    app.parse(own);
  } catch (const CLI::CallForHelp&) {
    WriteStdout(app.help());
    return std::nullopt;
  } catch (const CLI::ExtrasError&) {
    throw UsageError(UnexpectedArgument(app, app.remaining().front()) + " (" + options.program +
                     " --help lists the flags)");
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string(error.what()) + "; " + options.program + " --help lists the flags");
  }
  if (!oracle.empty() && checkpoints.empty()) throw UsageError("--oracle is for the files of --checkpoint: name one");
  if (opaque && checkpoints.empty()) throw UsageError("--opaque is for the files of --checkpoint: name one");
  InitializeGoogleBenchmark(options.google);
  if (!kind.empty()) options.kind = FromName<CaseKind>(kind);
  if (list) options.task = Task::kListCases;
  options.all_devices = device == "all";
  options.devices = options.all_devices ? std::vector<DeviceName>{{DeviceKind::kCpu}, {DeviceKind::kCuda}}
                                        : std::vector<DeviceName>{*DeviceName::Parse(device)};
  options.caches =
      cache == "all" ? std::vector{CacheState::kHot, CacheState::kCold} : std::vector{*FromName<CacheState>(cache)};
  options.memories = memory == "all" ? std::vector{MemoryState::kBacked, MemoryState::kReturned}
                                     : std::vector{*FromName<MemoryState>(memory)};
  for (const auto& text : checkpoints) {
    UserCheckpoint checkpoint = ParseCheckpoint(text);
    checkpoint.opaque = opaque;
    checkpoint.oracle = oracle == "python";
    if (std::ranges::find(options.checkpoints, checkpoint) == options.checkpoints.end()) {
      options.checkpoints.push_back(checkpoint);
    }
  }
  if (!time.empty()) options.time = SecondsOf(time);
  if (seed->count() == 0) options.seed = std::random_device()();
  return options;
}

}  // namespace loadpath
