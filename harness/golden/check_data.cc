#include "harness/golden/check_data.h"

#include <algorithm>
#include <exception>
#include <filesystem>

#include "harness/base/sha256.h"
#include "harness/golden/compare.h"

namespace loadpath {
namespace {

namespace fs = std::filesystem;

struct Found {
  std::uint64_t size = 0;
  std::string sha256;
};

// As manifest.h defines both for a file and for a folder. A file of another size than `wanted` is not read.
Found Look(const std::string& path, std::uint64_t wanted) {
  if (!fs::is_directory(path)) {
    const RegularFile file(path);
    return {file.size(), file.size() == wanted ? Sha256(file) : ""};
  }
  std::vector<fs::path> names;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(path));
  }
  std::ranges::sort(names);  // by their parts, as Python sorts paths
  Found all;
  std::string lines;
  for (const fs::path& name : names) {
    const RegularFile file(fs::path(path) / name);
    all.size += file.size();
    if (all.size > wanted) return all;
    lines += Sha256(file) + "  " + name.generic_string() + "\n";
  }
  all.sha256 = Sha256(std::as_bytes(std::span(lines)));
  return all;
}

// Returns what is wrong with a file; empty if nothing is.
std::string Problem(const std::string& path, const ManifestFile& file) {
  std::error_code unknown;
  if (!fs::exists(path, unknown)) return path + ": is in the manifest, and not there";
  try {
    const Found found = Look(path, file.size);
    if (found.size == file.size && found.sha256 == file.sha256) return {};
    return path + ": is not the file that the manifest describes (" +
           (found.size == file.size ? "its SHA-256 differs"
                                    : std::to_string(found.size) + " bytes, not " + std::to_string(file.size)) +
           ")";
  } catch (const std::exception& error) {
    return error.what();
  }
}

void CheckModel(const Manifest& manifest, const std::string& model, const std::vector<std::int64_t>& batches,
                DataCheck& check) {
  const ManifestModel* entry = manifest.FindModel(model);
  if (entry == nullptr) {
    check.problems.push_back(manifest.PathOf("manifest.json") + ": has no model " + model);
    return;
  }
  for (const std::int64_t batch : batches) {
    try {
      ReadGolden(manifest, *entry, batch);
      ++check.goldens;
    } catch (const std::exception& error) {
      check.problems.emplace_back(error.what());
    }
  }
}

}  // namespace

DataCheck CheckData(const Manifest& manifest, const std::map<std::string, std::vector<std::int64_t>>& models) {
  DataCheck check;
  for (const ManifestFile& file : manifest.files()) {
    ++check.files;
    const std::string problem = Problem(manifest.PathOf(file.name), file);
    if (!problem.empty()) check.problems.push_back(problem);
    const std::string plain = manifest.PathOf(file.plain_dict);
    if (!file.plain_dict.empty() && !fs::exists(plain)) {
      check.problems.push_back(plain + ": is in the manifest, and not there");
    }
  }
  for (const ManifestNotMade& file : manifest.not_made()) {
    check.not_made.push_back(file.format + "/" + file.layout + " of " + file.model + ": " + file.reason);
  }
  for (const auto& [model, batches] : models) CheckModel(manifest, model, batches, check);
  return check;
}

}  // namespace loadpath
