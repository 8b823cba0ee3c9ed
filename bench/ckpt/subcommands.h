#ifndef LOADPATH_BENCH_CKPT_SUBCOMMANDS_H_
#define LOADPATH_BENCH_CKPT_SUBCOMMANDS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "bench/ckpt/model_runs.h"

namespace loadpath::ckpt {

/// A subcommand whose options are declared. Its functions are called after the command line was parsed.
struct Command {
  /// Returns the checkpoint that the command is about, for messages.
  std::function<std::string()> file;
  /// Runs it and returns the exit code. `models` is not null if the subcommand needs LibTorch.
  std::function<int(const ModelRuns* models)> run;
};

enum class NeedsLibTorch : std::uint8_t { kNever, kAlways, kWithModel /* if --model is given */ };

/// A row of subcommands.inc.
struct Subcommand {
  const char* name;
  const char* summary;
  Command (*declare)(CLI::App& app);
  NeedsLibTorch needs_libtorch;
};

std::span<const Subcommand> Subcommands();

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_SUBCOMMANDS_H_
