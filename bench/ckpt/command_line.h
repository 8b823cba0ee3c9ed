#ifndef LOADPATH_BENCH_CKPT_COMMAND_LINE_H_
#define LOADPATH_BENCH_CKPT_COMMAND_LINE_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "bench/ckpt/subcommands.h"
#include "harness/command_line/command_line.h"
#include "loadpath/checkpoint.h"
#include "loadpath/key_rules.h"

namespace loadpath::ckpt {

/// A parsed command line.
struct Invocation {
  Command command;
  bool needs_libtorch = false;
};

/// Parses the command line. Returns nullopt if it asked for help or the version, which are then printed. Throws
/// UsageError with one line, which names the nearest option or subcommand if there is none of that name.
std::optional<Invocation> ParseCommandLine(int argc, char** argv);

// What the files of the subcommands share.

/// The last lines of every help.
inline constexpr const char* kExitCodes =
    "Exit code: 0 done; 1 the check or comparison failed; 2 bad input or bad use, with one line on standard error.";

/// Returns "Examples:" and a line for each command line, which is given without the program's name.
std::string Examples(std::initializer_list<std::string_view> command_lines);

/// Adds the positional argument FILE, which is FILE::key.path too.
CLI::Option* AddFile(CLI::App& app, const std::string& name, std::string& file, const std::string& help);
void AddKey(CLI::App& app, std::string& key, const std::string& files);
/// Adds --prefix, --rename, --only and --skip, which are about the keys of `files`.
void AddKeyRules(CLI::App& app, KeyRules& rules, const std::string& files);
void AddJson(CLI::App& app, bool& json);
void AddOpaque(CLI::App& app, OpenOptions& open);
void AddCrc(CLI::App& app, CrcMode& crc, const std::string& what);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_COMMAND_LINE_H_
