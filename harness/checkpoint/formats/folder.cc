#include "harness/checkpoint/formats/folder.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "harness/checkpoint/formats/formats.h"

namespace loadpath {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxListed = 12;

bool OpensFolder(std::string_view name) {
  return std::ranges::any_of(Formats(), [&](const Format& format) {
    return std::ranges::any_of(format.files, [&](std::string_view file) {
      return file.starts_with('*') ? name.ends_with(file.substr(1)) : name == file;
    });
  });
}

// Returns the names of those entries of the folder for which `wanted` is true, sorted.
template <typename Wanted>
std::vector<std::string> List(const std::string& folder, const Wanted& wanted) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (wanted(*it)) found.push_back(it->path().filename().string());
  }
  if (error) throw CheckpointError(ErrorCode::kIo, folder, "cannot be listed: " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}

bool HoldsCheckpoint(const fs::directory_entry& entry) {
  std::error_code error;
  if (!entry.is_directory(error)) return false;
  for (fs::directory_iterator it(entry.path(), error), end; !error && it != end; it.increment(error)) {
    if (OpensFolder(it->path().filename().string())) return true;
  }
  return false;
}

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxListed); ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  if (names.size() > kMaxListed) text += " and " + std::to_string(names.size() - kMaxListed) + " more";
  return text;
}

}  // namespace

bool NamedLikeCheckpoint(std::string_view file) {
  constexpr std::string_view kEndings[] = {".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".pt2", ".pth.tar"};
  return std::ranges::any_of(
      kEndings, [&](std::string_view ending) { return file.size() > ending.size() && file.ends_with(ending); });
}

std::string CheckpointInFolder(const std::string& folder) {
  const std::vector<std::string> found =
      List(folder, [](const fs::directory_entry& entry) { return OpensFolder(entry.path().filename().string()); });
  if (found.size() == 1) return folder + (folder.ends_with('/') ? "" : "/") + found[0];
  const auto several = [&](const std::vector<std::string>& names) {
    throw CheckpointError(ErrorCode::kUnknownFormat, folder,
                          names.size() == 1 ? "is a folder: name the checkpoint in it, " + names[0]
                                            : "is a folder with several checkpoints: name one of " + Listed(names));
  };
  if (!found.empty()) several(found);
  const std::vector<std::string> others = List(folder, [](const fs::directory_entry& entry) {
    return NamedLikeCheckpoint(entry.path().filename().string()) || HoldsCheckpoint(entry);
  });
  if (!others.empty()) several(others);
  std::string names;
  for (const Format& format : Formats()) {
    for (const std::string_view file : format.files) names += (names.empty() ? "" : ", ") + std::string(file);
  }
  throw CheckpointError(
      ErrorCode::kIo, folder,
      "is a folder without a checkpoint: name a checkpoint file, or a folder that holds one of " + names);
}

}  // namespace loadpath
