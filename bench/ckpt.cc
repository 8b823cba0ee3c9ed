#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bench/ckpt_convert.h"
#include "bench/ckpt_diff.h"
#include "bench/ckpt_inspect.h"
#include "bench/ckpt_options.h"
#include "bench/ckpt_text.h"

namespace loadpath::ckpt {
namespace {

// Modules live in a program of their own beside this one: LibTorch takes 0.2 s and more to start, and to look into a file
// needs none of it.
int RunWithModels(char** argv) {
  const std::string program = ProgramFolder() + "/ckpt-load";
  ::execv(program.c_str(), argv);
  throw UsageError("ckpt: " + program + ": " + std::strerror(errno) + "; it is built beside ckpt");
}

int Run(int argc, char** argv) {
  const Options options = ParseOptions(argc, argv);
  if (options.NeedsModel()) return RunWithModels(argv);
  if (options.command == Command::kInspect) WriteStdout(Inspect(options.inspect));
  if (options.command == Command::kConvert) WriteStdout(Convert(options.convert));
  if (options.command == Command::kDiff) {
    const DiffOutcome outcome = DiffFiles(options.diff);
    WriteStdout(outcome.text);
    return outcome.equal ? kDone : kFailed;
  }
  return kDone;
}

}  // namespace
}  // namespace loadpath::ckpt

int main(int argc, char** argv) { return loadpath::ckpt::Guarded(loadpath::ckpt::Run, argc, argv); }
