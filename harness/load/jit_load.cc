#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <map>

#include "harness/load/libtorch_reader.h"

namespace loadpath {
namespace {

constexpr std::string_view kJitLoad = "torch::jit::load";

torch::jit::Module JitLoad(const Checkpoint& checkpoint) {
  try {
    // The file that was opened and planned for, even if another has its name by now.
    return torch::jit::load("/proc/self/fd/" + std::to_string(checkpoint.fd(0)), at::kCPU);
  } catch (const std::exception& error) {
    SkipAsRefused(kJitLoad, error);
  }
}

LoadResult LoadByJitLoad(const LoadRequest& request) {
  LoadResult result;
  const Prepared prepared = Prepare(request, "jit_load", /*assign=*/false, result);
  RequireOneFile(kJitLoad, request, *prepared.checkpoint);
  if (!request.key_path.empty())
    throw Skipped("torch::jit::load returns a module, which has nothing at \"" + request.key_path + "\"");
  Stopwatch watch;
  const torch::jit::Module module = JitLoad(*prepared.checkpoint);
  result.bytes_read = result.read_calls = std::nullopt;
  std::map<std::string, at::Tensor> items;
  for (const auto& parameter : module.named_parameters()) items.emplace(parameter.name, parameter.value);
  for (const auto& buffer : module.named_buffers()) items.emplace(buffer.name, buffer.value);
  CopyFound(
      kJitLoad, prepared,
      [&](const std::string& key) -> std::optional<at::Tensor> {
        const auto found = items.find(key);
        return found == items.end() ? std::nullopt : std::optional(found->second);
      },
      result);
  result.seconds.load = watch.Lap();
  return result;
}

}  // namespace

const LoadPath jit_load_path = {.name = "jit_load",
                                .summary = "torch::jit::load, LibTorch's own, then copy (for comparison)",
                                .limit = "pread-fresh",
                                .load = LoadByJitLoad,
                                .input = LoadInput::kTorchScript,
                                .libtorch_reader = kJitLoad,
                                .runs_code = true};

}  // namespace loadpath
