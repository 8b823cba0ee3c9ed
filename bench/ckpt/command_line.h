#ifndef LOADPATH_BENCH_CKPT_OPTIONS_H_
#define LOADPATH_BENCH_CKPT_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "harness/checkpoint/checkpoint.h"

namespace loadpath::ckpt {

inline constexpr int kDone = 0, kFailed = 1, kBadUse = 2;

/// Bad use: what() is the one line for standard error.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct InspectOptions {
  std::string file;
  bool json = false, digest = false;
  OpenOptions open;
  std::optional<std::string> print;
  CrcMode crc = CrcMode::kAuto;
};

struct LoadOptions {
  std::string file, model, key, via = "direct", device = "cpu", prefix;
  bool lenient = false, json = false;
  std::string input, output, data;
  OpenOptions open;
  CrcMode crc = CrcMode::kAuto;
};

struct DiffOptions {
  std::string file, other, model, key, prefix;  ///< `other` or `model` is empty
  std::optional<double> relative, absolute;     ///< tolerances; neither: bit by bit
  bool json = false;
  OpenOptions open;  ///< of both files
  CrcMode crc = CrcMode::kAuto;
};

struct ConvertOptions {
  std::string file, output, key, aliases = "apart";  ///< aliases: "apart" or "once"
  bool json = false;
  OpenOptions open;
  CrcMode crc = CrcMode::kAuto;
};

enum class Command : std::uint8_t { kNone /* help was printed */, kInspect, kLoad, kDiff, kConvert };

struct Options {
  Command command = Command::kNone;
  InspectOptions inspect;
  LoadOptions load;
  DiffOptions diff;
  ConvertOptions convert;
  /// A module is needed, and so is LibTorch.
  bool NeedsModel() const { return command == Command::kLoad || (command == Command::kDiff && !diff.model.empty()); }
  /// The checkpoint that the command is about.
  const std::string& File() const;
};

/// Reads the command line; prints the help that it asks for. Throws UsageError.
Options ParseOptions(int argc, char** argv);

/// Runs `run` and turns what it throws into one line on standard error and the exit code.
int Guarded(int (*run)(int argc, char** argv), int argc, char** argv);

/// The folder that the running program lies in.
std::string ProgramFolder();

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_OPTIONS_H_
