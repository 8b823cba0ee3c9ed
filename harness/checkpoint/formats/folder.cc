#include "harness/checkpoint/formats/folder.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "harness/base/error.h"

namespace loadpath {
namespace {

bool OpensCheckpoint(std::string_view name) {
  return name == ".metadata" || name == "model.safetensors" || name == "pytorch_model.bin" ||
         name.ends_with(".safetensors.index.json") || name.ends_with(".bin.index.json");
}

}  // namespace

std::string CheckpointInFolder(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (OpensCheckpoint(name)) found.push_back(name);
  }
  if (error) throw CheckpointError(ErrorCode::kIo, folder, "cannot be listed: " + error.message());
  if (found.empty()) {
    throw CheckpointError(ErrorCode::kIo, folder,
                          "is a directory, not a checkpoint file, and holds none of model.safetensors.index.json, "
                          "pytorch_model.bin.index.json, model.safetensors, pytorch_model.bin and .metadata");
  }
  std::sort(found.begin(), found.end());
  if (found.size() > 1) {
    std::string names = found[0];
    for (std::size_t i = 1; i < found.size(); ++i) names += (i + 1 == found.size() ? " and " : ", ") + found[i];
    throw CheckpointError(ErrorCode::kUnknownFormat, folder,
                          "is a folder with several checkpoints: name one of " + names);
  }
  return folder + (folder.ends_with('/') ? "" : "/") + found[0];
}

}  // namespace loadpath
