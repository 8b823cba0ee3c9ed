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

// Returns what is wrong with the example inputs; empty if they are Python's bit by bit.
std::string InputProblem(const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& pythons) {
  if (inputs.size() != pythons.size()) {
    return std::to_string(inputs.size()) + " example inputs, Python's are " + std::to_string(pythons.size());
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Comparison comparison = Compare(inputs[i], pythons[i], {0, 0});
    if (!comparison.equal) return "example input " + std::to_string(i) + " is not Python's: " + comparison.sentence;
  }
  return "";
}

std::string Listed(const std::vector<std::int64_t>& numbers) {
  std::string list;
  for (const std::int64_t number : numbers) list += (list.empty() ? "" : ", ") + std::to_string(number);
  return list;
}

void CheckModel(const Manifest& manifest, const CheckedModel& model, DataCheck& check) {
  const ManifestModel* entry = manifest.FindModel(model.name);
  const std::string where = manifest.PathOf("manifest.json") + ": ";
  if (entry == nullptr) {
    check.problems.push_back(where + "has no model " + model.name);
    return;
  }
  std::vector<std::int64_t> pythons, ours = model.batches;
  for (const auto& [batch, file] : entry->goldens) pythons.push_back(batch);
  std::ranges::sort(ours);
  if (ours != pythons) {
    check.problems.push_back(where + "the batches of " + model.name + " are " + Listed(pythons) +
                             " in Python, and in C++ " + Listed(ours) + ": make them the same");
    return;
  }
  for (const std::int64_t batch : ours) {
    try {
      const Golden golden = ReadGolden(manifest, *entry, batch);
      ++check.goldens;
      const std::string problem = InputProblem(model.example_inputs(batch), golden.inputs);
      if (!problem.empty()) {
        check.problems.push_back(manifest.PathOf(entry->goldens.at(batch)) + ": " + model.name + ", batch " +
                                 std::to_string(batch) + ": " + problem);
      }
    } catch (const std::exception& error) {
      check.problems.emplace_back(error.what());
    }
  }
}

}  // namespace

DataCheck CheckData(const Manifest& manifest, std::span<const CheckedModel> models) {
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
  for (const CheckedModel& model : models) CheckModel(manifest, model, check);
  return check;
}

}  // namespace loadpath
