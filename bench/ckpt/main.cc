#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bench/ckpt/convert.h"
#include "bench/ckpt/diff.h"
#include "bench/ckpt/inspect.h"
#include "bench/ckpt/options.h"
#include "harness/base/error.h"
#include "harness/base/text.h"

namespace loadpath::ckpt {
namespace {

// What LibTorch 2.15 takes before main(), measured: where that cannot be had, the linker or a constructor of its ends
// the process by exit code 127 or a signal.
constexpr std::size_t kLibTorchMapped = std::size_t{440} << 20, kLibTorchData = std::size_t{64} << 20;

bool HasRoom(std::size_t bytes, int protection) {
  void* address = ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return address != MAP_FAILED && ::munmap(address, bytes) == 0;
}

// Modules live in a program of their own beside this one: LibTorch takes 0.2 s and more to start, and to look into a
// file needs none of it.
int RunWithModels(const std::string& file, char** argv) {
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
  const Options options = ParseOptions(argc, argv);
  if (options.NeedsModel()) return RunWithModels(options.File(), argv);
  return OrOutOfMemory(options.File(), "could not be handled", [&] {
    if (options.command == Command::kInspect) WriteStdout(Inspect(options.inspect));
    if (options.command == Command::kConvert) WriteStdout(Convert(options.convert));
    if (options.command == Command::kDiff) {
      const DiffOutcome outcome = DiffFiles(options.diff);
      WriteStdout(outcome.text);
      return outcome.equal ? kDone : kFailed;
    }
    return kDone;
  });
}

}  // namespace
}  // namespace loadpath::ckpt

int main(int argc, char** argv) { return loadpath::ckpt::Guarded(loadpath::ckpt::Run, argc, argv); }
