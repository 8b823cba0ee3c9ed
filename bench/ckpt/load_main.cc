// ckpt-load: the subcommands of ckpt that need a module. ckpt starts it with its own arguments.
#include "bench/ckpt/errors.h"
#include "bench/ckpt/models_main.h"
#include "bench/end_process.h"
#include "harness/base/error.h"
#include "loadpath/mapping_guard.h"
#include "models/models.h"

namespace loadpath::ckpt {
namespace {

int Run(int argc, char** argv) {
  InstallMappingGuard("ckpt");
  const std::optional<Invocation> invocation = ParseCommandLine(argc, argv);
  if (!invocation) return kDone;
  if (!invocation->needs_libtorch)
    throw UsageError("ckpt-load: only runs load and diff --model; use ckpt, which starts it");
  return RunWithModels(*invocation, Models(), "");
}

}  // namespace
}  // namespace loadpath::ckpt

int main(int argc, char** argv) {
  return loadpath::bench::EndProcess(loadpath::ckpt::RunProgram([&] { return loadpath::ckpt::Run(argc, argv); }));
}
