#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <span>
#include <stdexcept>

#include "bench/check_models.h"
#include "bench/ckpt/errors.h"
#include "bench/ckpt/models_main.h"
#include "bench/save_archive.h"
#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/command_line/command_line.h"
#include "harness/golden/check_data.h"
#include "harness/load/load_path.h"
#include "harness/suite/calibrate.h"
#include "harness/suite/report/table.h"
#include "harness/suite/suite.h"
#include "harness/suite/worker/worker.h"
#include "loadpath/mapping_guard.h"
#include "loadpath/suite.h"

namespace loadpath::bench {
namespace {

// Prints the name and the summary of each row of a table, aligned.
template <class Rows>
void PrintList(const Rows& rows) {
  Table table({Align::kLeft, Align::kLeft});
  for (const auto& row : rows) table.Add({std::string(row.name), std::string(row.summary)});
  std::string text;
  table.AppendTo(text);
  WriteStdout(text);
}

void PrintCases(std::span<const Case> cases) {
  std::string text;
  for (const Case& one : cases) text += one.name() + "\n";
  WriteStdout(text);
}

int RunAndPrint(const SuiteOptions& options, std::span<const Model> models) {
  const SuiteResult result = RunSuite(options, models);
  if (!options.google.display && !result.records.empty() && result.exit.code != 2) {
    const std::size_t width = LineWidth(STDOUT_FILENO, kTableWidth);
    WriteStdout(TableText(result.records, result.context, result.notes, {.width = width, .verbose = options.verbose}));
  }
  for (const std::string& message : result.exit.messages) std::cerr << options.program << ": " << message << "\n";
  return result.exit.code;
}

int CheckAndPrint(const SuiteOptions& options, std::span<const Model> models) {
  std::vector<CheckedModel> checked;
  for (const Model& model : models) checked.push_back({std::string(model.name), model.batches, model.example_inputs});
  DataCheck check;
  try {
    check = CheckData(Manifest::Read(options.data), checked);
  } catch (const std::runtime_error& error) {
    check.problems.emplace_back(error.what());
  }
  for (const std::string& line : check.not_made) WriteStdout("not made: " + line + "\n");
  for (const std::string& line : check.problems) std::cerr << options.program << ": " << line << "\n";
  if (check.problems.empty()) {
    WriteStdout("reference data: " + Counted(check.files, "file") + " and " + Counted(check.goldens, "golden") +
                " as the manifest says, in " + options.data + "\n");
    return 0;
  }
  std::cerr << options.program << ": " << Counted(check.problems.size(), "problem") << " in " << options.data
            << "; delete a file that is not right, and " << options.make_data << "\n";
  return 1;
}

int Main(const SuiteOptions& options, std::span<const Model> models) {
  switch (options.task) {
    case Task::kRun:
      return RunAndPrint(options, models);
    case Task::kListCases:
      PrintCases(ChosenCases(options, models));
      return 0;
    case Task::kListModels:
      PrintList(models);
      return 0;
    case Task::kListPaths:
      PrintList(LoadPaths());
      return 0;
    case Task::kShowVersion:
      WriteStdout(VersionText(options.program));
      return 0;
    case Task::kCheckData:
      return CheckAndPrint(options, models);
    case Task::kCalibrate: {
      std::error_code none;
      const bool there = std::filesystem::is_directory(options.data, none);  // the disk that is meant
      WriteStdout(CalibrationText(Calibrate(there ? options.data : std::filesystem::temp_directory_path().string())));
      return 0;
    }
    case Task::kWorker:
      return RunWorker(options, models, std::cin, std::cout);
  }
  return 2;
}

int RunCkpt(const std::string& program, int argc, char** argv, std::span<const Model> models, const std::string& data) {
  ckpt::SetCommandNames({program + " ckpt", program, std::string(models.front().name)});
  InstallMappingGuard(ckpt::CommandName().c_str());
  return ckpt::RunProgram([&] {
    const std::optional<ckpt::Invocation> invocation = ckpt::ParseCommandLine(argc, argv);
    return invocation ? ckpt::RunWithModels(*invocation, models, data) : ckpt::kDone;
  });
}

// Becomes the Python program that tries the verdicts of scripts/regress on this one. Returns only by throwing.
void BecomeSelftest(int argc, char** argv, const PythonTwins& twins) {
  const std::filesystem::path checkout = std::filesystem::path(twins.module_path).parent_path();
  if (!std::filesystem::exists(twins.python) ||
      !std::filesystem::exists(std::filesystem::path(twins.module_path) / "loadpath/regress/selftest.py")) {
    throw UsageError("selftest runs in a checkout that scripts/setup has set up");
  }
  std::vector<std::string> words = {twins.python, "-B",
                                    "-m",         "loadpath.regress.selftest",
                                    "--bench",    std::filesystem::read_symlink("/proc/self/exe")};
  words.insert(words.end(), argv + 2, argv + argc);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  setenv("PYTHONPATH", twins.module_path.c_str(), 1);
  setenv("LOADPATH_ROOT", checkout.c_str(), 1);
  execv(arguments.front(), arguments.data());
  throw std::runtime_error(twins.python + ": cannot be started: " + std::strerror(errno));
}

}  // namespace
}  // namespace loadpath::bench

namespace loadpath {

int SuiteMain(int argc, char** argv, std::vector<Model> models, std::string data, std::string make_data,
              PythonTwins twins) {
  static std::string program = ProgramName(argc, argv);  // the mapping guard keeps the pointer
  try {
    if (const std::string problem = ModelsProblem(models); !problem.empty()) throw UsageError(problem);
    if (argc > 1 && std::string_view(argv[1]) == "ckpt")
      return bench::RunCkpt(program, argc - 1, argv + 1, models, data);
    if (argc == 5 && std::string_view(argv[1]) == "--save-archive") {
      return bench::SaveArchive(argv[2], argv[3], argv[4], models);
    }
    if (argc > 1 && std::string_view(argv[1]) == "selftest") bench::BecomeSelftest(argc, argv, TwinsOfCheckout());
    InstallMappingGuard(program.c_str());
    const auto options = ParseOptions(argc, argv,
                                      {.data = std::move(data),
                                       .make_data = std::move(make_data),
                                       .twins = std::move(twins),
                                       .model = std::string(models.front().name)});
    const int status = options ? bench::Main(*options, models) : 0;
    // Google Benchmark writes there too, and does not look.
    if (!std::cout.flush()) throw std::runtime_error("standard output: cannot be written");
    return status;
  } catch (const std::exception& error) {
    std::cerr << program << ": " << error.what() << "\n";
  }
  return 2;
}

}  // namespace loadpath
