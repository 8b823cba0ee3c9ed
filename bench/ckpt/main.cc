// ckpt: looks into checkpoint files without LibTorch.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bench/ckpt/command_line.h"
#include "bench/ckpt/errors.h"
#include "harness/base/error.h"
#include "harness/base/paths.h"

namespace loadpath::ckpt {
namespace {

// What LibTorch 2.15 takes before main(), measured. If it cannot have that, the linker or one of LibTorch's
// constructors ends the process with exit code 127 or a signal.
constexpr std::size_t kLibTorchMapped = std::size_t{440} << 20, kLibTorchData = std::size_t{64} << 20;

bool HasRoom(std::size_t bytes, int protection) {
  void* address = ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return address != MAP_FAILED && ::munmap(address, bytes) == 0;
}

// `ckpt load` and `ckpt diff --model` run in a separate executable, ckpt-load, so that the other subcommands start
// without LibTorch, which takes 0.2 s and more.
int StartCkptLoad(const std::string& file, char** argv) {
  if (!HasRoom(kLibTorchMapped, PROT_NONE) || !HasRoom(kLibTorchData, PROT_READ | PROT_WRITE)) {
    throw CheckpointError(
        ErrorCode::kOutOfMemory, file,
        "cannot be loaded: out of memory (LibTorch alone takes 440 MiB of address space and 64 MiB of data)");
  }
  const std::string program = ProgramFolder() + "/ckpt-load";
  ::execv(program.c_str(), argv);
  throw UsageError("ckpt: " + program + ": " + std::strerror(errno) + "; it is built beside ckpt");
}

int Run(int argc, char** argv) {
  const std::optional<Invocation> invocation = ParseCommandLine(argc, argv);
  if (!invocation) return kDone;
  const std::string file = invocation->command.file();
  if (invocation->needs_libtorch) return StartCkptLoad(file, argv);
  return OnFile(file, [&] { return invocation->command.run(nullptr); });
}

}  // namespace
}  // namespace loadpath::ckpt

int main(int argc, char** argv) {
  return loadpath::ckpt::RunProgram([&] { return loadpath::ckpt::Run(argc, argv); });
}
