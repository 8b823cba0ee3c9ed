#include "bench/ckpt/models_main.h"

#include <c10/util/Exception.h>

#include <filesystem>
#include <new>

#include "bench/ckpt/errors.h"
#include "bench/ckpt/run_models.h"

namespace loadpath::ckpt {
namespace {

// Without a manifest the default is no more than a place to look: only a folder that --data names must hold one.
LoadOptions WithData(LoadOptions options, const std::string& data) {
  std::error_code absent;
  if (options.data.empty() && std::filesystem::exists(data + "/manifest.json", absent)) options.data = data;
  return options;
}

}  // namespace

int RunWithModels(const Invocation& invocation, std::span<const Model> models, const std::string& data) {
  const ModelRuns runs = {
      [&](const LoadOptions& options) { return RunLoad(data.empty() ? options : WithData(options, data), models); },
      [&](const DiffModelOptions& options) { return RunDiffModel(options, models); }};
  return OnFile(invocation.command.file(), [&] {
    try {
      return invocation.command.run(&runs);
    } catch (const c10::OutOfMemoryError&) {
      throw std::bad_alloc();
    }
  });
}

}  // namespace loadpath::ckpt
