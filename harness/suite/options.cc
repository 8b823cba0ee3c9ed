#include "harness/suite/options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <iostream>

namespace loadpath::bench {
namespace {

constexpr const char* kFooter = R"(
cases:
  load/MODEL/FORMAT/LAYOUT/PATH/DEVICE/CACHE     a checkpoint into a freshly constructed module, in a loop
  startup/MODEL/FORMAT/LAYOUT/PATH/DEVICE/CACHE  the same in a new process for every sample, up to the first output
  forward/MODEL/DEVICE/batch:N/WAY               one forward pass: by the module, by torchscript, by aoti (AOTInductor)
  limit/KIND/threads:N                           what this machine can do
Without --filter the usual cases run; --filter . means all; startup/… only where the filter says so.
Every --benchmark_* flag of Google Benchmark works.

examples:
  bench --filter '^load/crepe:full/zip/bare/'            every load path of one checkpoint
  bench --filter '/(linear|custom|multi)[:/]' --quick    the three original cases, a few samples each
  bench --filter '^load/gpt2/zip/nested/direct' --cache cold
  bench --checkpoint my.pth::model_state_dict            a file of your own on every load path
  bench --list --filter .                                every case
  bench --filter '^forward/' --json run.json             with every sample, for comparing (results/schema.json)

exit status: 0 all right, 1 a case was wrong or failed, 2 bad use
)";

// The value of "--benchmark_NAME=VALUE", or nullopt for another flag. A flag without a value is "true".
std::optional<std::string> GoogleValue(std::string_view flag, std::string_view name) {
  const std::string prefix = "--benchmark_" + std::string(name);
  if (flag == prefix) return "true";
  if (!flag.starts_with(prefix + "=")) return std::nullopt;
  return std::string(flag.substr(prefix.size() + 1));
}

bool Truth(const std::string& value) { return value != "false" && value != "0" && value != "no"; }

void TakeGoogleFlag(const std::string& flag, Options& options) {
  if (const auto value = GoogleValue(flag, "filter")) {
    options.filter = *value;
  } else if (const auto value = GoogleValue(flag, "list_tests")) {
    options.list = Truth(*value);
  } else if (const auto value = GoogleValue(flag, "repetitions")) {
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), options.repetitions);
    if (error != std::errc() || end != value->data() + value->size() || options.repetitions < 1) {
      throw UsageError("--benchmark_repetitions=" + *value + ": not a number of at least 1");
    }
  } else {
    if (GoogleValue(flag, "format")) options.google_format = true;
    if (GoogleValue(flag, "min_time")) options.google_min_time = true;
    options.google_flags.push_back(flag);
  }
}

UserCheckpoint ParseCheckpoint(const std::string& text) {
  // A file whose own name holds "::" is taken as it is.
  const auto colons = text.rfind("::");
  if (colons == std::string::npos || std::filesystem::exists(text)) return {text, ""};
  return {text.substr(0, colons), text.substr(colons + 2)};
}

std::string DirectoryOfExecutable(std::string& executable) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return ".";
  executable = path.string();
  return path.parent_path().string();
}

}  // namespace

bool ParseOptions(int argc, char** argv, Options& options) {
  options.data =
      (std::filesystem::path(DirectoryOfExecutable(options.executable)) / "../reference").lexically_normal().string();
  std::vector<std::string> own;
  for (int i = 0; i < argc; ++i) {
    const std::string argument = argv[i];
    options.command += (i == 0 ? "" : " ") + argument;
    if (i == 0) continue;
    if (argument.starts_with("--benchmark_")) {
      TakeGoogleFlag(argument, options);
    } else {
      own.push_back(argument);
    }
  }

  CLI::App app(
      "Measures ways of loading PyTorch checkpoints into LibTorch modules. Every answer is checked before it is timed.",
      "bench");
  app.footer(kFooter);
  std::vector<std::string> checkpoints;
  app.add_option("--filter", options.filter, "Cases whose name has a match of this regular expression (-R: has none)")
      ->type_name("REGEX");
  app.add_flag("--list", options.list, "Print the names of the cases that would run, one a line");
  app.add_option("--device", options.device, "cpu, cuda (cuda:N) or all")->type_name("cpu|cuda|all");
  app.add_option("--cache", options.cache, "Page cache before each load: hot, cold or all")
      ->check(CLI::IsMember({"hot", "cold", "all"}))
      ->type_name("hot|cold|all");
  app.add_option("--json", options.json, "Write the results there too")->type_name("PATH");
  app.add_option("--checkpoint", checkpoints, "A checkpoint of your own on every load path (repeatable)")
      ->type_name("FILE[::key.path]")
      ->allow_extra_args(false);
  app.add_option("--data", options.data, "The reference data (default: reference/ beside the folder of bench)")
      ->type_name("DIR");
  app.add_option("--repetitions", options.repetitions, "Repetitions of every case, in random order (default: 10)")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  app.add_flag("--quick", options.quick, "A few samples each: to see that all works, not to compare");
  app.add_option("--startup-sample", options.startup_sample)->group("");
  app.add_option("--started-at", options.started_at)->group("");
  std::ranges::reverse(own);
  try {
    app.parse(own);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return false;
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string(error.what()) + "; bench --help lists the flags");
  }
  for (const auto& text : checkpoints) options.checkpoints.push_back(ParseCheckpoint(text));
  if (options.quick && app.count("--repetitions") == 0) options.repetitions = std::min(options.repetitions, 3);
  return true;
}

}  // namespace loadpath::bench
