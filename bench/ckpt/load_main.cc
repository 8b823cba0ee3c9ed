// ckpt-load: the subcommands of ckpt that need a module. ckpt starts it with its own arguments.
#include <c10/util/Exception.h>

#include <new>

#include "bench/ckpt/command_line.h"
#include "bench/ckpt/errors.h"
#include "harness/base/error.h"
#include "loadpath/mapping_guard.h"

namespace loadpath::ckpt {
namespace {

int Run(int argc, char** argv) {
  InstallMappingGuard("ckpt");
  const std::optional<Invocation> invocation = ParseCommandLine(argc, argv);
  if (!invocation) return kDone;
  if (!invocation->needs_libtorch)
    throw UsageError("ckpt-load: only runs load and diff --model; use ckpt, which starts it");
  static constexpr ModelRuns kRuns = {RunLoad, RunDiffModel};
  return OnFile(invocation->command.file(), [&] {
    try {
      return invocation->command.run(&kRuns);
    } catch (const c10::OutOfMemoryError&) {
      throw std::bad_alloc();
    }
  });
}

}  // namespace
}  // namespace loadpath::ckpt

int main(int argc, char** argv) {
  return loadpath::ckpt::RunProgram([&] { return loadpath::ckpt::Run(argc, argv); });
}
