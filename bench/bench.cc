// bench: measures ways of loading checkpoints into LibTorch modules. harness/suite/options.cc is its command line.
#include <unistd.h>

#include <iostream>
#include <span>
#include <stdexcept>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/command_line/command_line.h"
#include "harness/load/load_path.h"
#include "harness/suite/report/table.h"
#include "harness/suite/suite.h"
#include "loadpath/mapping_guard.h"

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

int RunAndPrint(const SuiteOptions& options) {
  const SuiteResult result = RunSuite(options, Models());
  if (!options.google.display && result.exit.code != 2) {
    const std::size_t width = LineWidth(STDOUT_FILENO, kTableWidth);
    WriteStdout(TableText(result.records, result.context, result.notes, width));
  }
  for (const std::string& message : result.exit.messages) std::cerr << "bench: " << message << "\n";
  return result.exit.code;
}

int Main(const SuiteOptions& options) {
  switch (options.task) {
    case Task::kRun:
      return RunAndPrint(options);
    case Task::kListCases:
      PrintCases(ChosenCases(options, Models()));
      return 0;
    case Task::kListModels:
      PrintList(Models());
      return 0;
    case Task::kListPaths:
      PrintList(LoadPaths());
      return 0;
    case Task::kShowVersion:
      WriteStdout(VersionText("bench"));
      return 0;
    case Task::kTakeStartupSample:
      return RunStartupSample(options.startup, Models());
  }
  return 2;
}

}  // namespace
}  // namespace loadpath::bench

int main(int argc, char** argv) {
  using namespace loadpath;
  InstallMappingGuard("bench");
  try {
    const auto options = ParseOptions(argc, argv);
    const int status = options ? bench::Main(*options) : 0;
    // Google Benchmark writes there too, and does not look.
    if (!std::cout.flush()) throw std::runtime_error("standard output: cannot be written");
    return status;
  } catch (const std::exception& error) {
    std::cerr << "bench: " << error.what() << "\n";
  }
  return 2;
}
