#include "harness/golden/reference_files.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "reference_files_json.h"

namespace loadpath {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string_view Text(const OrderedJson& value) { return value.get_ref<const std::string&>(); }

// reference_files.json. It lives as long as the program, so the views into it stay valid.
const OrderedJson& Source() {
  static const OrderedJson source = OrderedJson::parse(kReferenceFilesJson);
  return source;
}

// All combinations of format and layout whose layout is `layout`; "" stands for every layout of one model.
std::vector<FormatAndLayout> Combinations(std::string_view layout) {
  std::vector<FormatAndLayout> found;
  for (const OrderedJson& format : Source().at("formats")) {
    for (const OrderedJson& one : format.at("layouts")) {
      if (layout.empty() ? Source().at("layouts").contains(Text(one)) : Text(one) == layout) {
        found.push_back({Text(format.at("name")), Text(one)});
      }
    }
  }
  return found;
}

}  // namespace

std::span<const SharedFile> SharedFiles() {
  static const std::vector<SharedFile> files = [] {
    std::vector<SharedFile> all;
    for (const OrderedJson& row : Source().at("shared")) {
      SharedFile& file = all.emplace_back(SharedFile{Text(row.at("name")), Text(row.at("layout")), {}, {}});
      for (const auto& member : row.at("models").get_ref<const OrderedJson::object_t&>())
        file.models.push_back(member.first);
      for (const OrderedJson& opening : row.at("openings")) file.openings.push_back(Text(opening));
    }
    return all;
  }();
  return files;
}

const SharedFile* FindSharedFile(std::string_view name) {
  const auto files = SharedFiles();
  const auto found = std::ranges::find_if(files, [&](const SharedFile& file) {
    return file.name == name || std::ranges::find(file.models, name) != file.models.end();
  });
  return found == files.end() ? nullptr : &*found;
}

std::vector<std::string_view> ModelsOf(std::string_view name) {
  const SharedFile* shared = FindSharedFile(name);
  return shared != nullptr && shared->name == name ? shared->models : std::vector{name};
}

std::span<const FormatAndLayout> ReferenceFiles(std::string_view model) {
  static const std::map<std::string_view, std::vector<FormatAndLayout>> by_layout = [] {
    std::map<std::string_view, std::vector<FormatAndLayout>> all = {{"", Combinations("")}};
    for (const SharedFile& shared : SharedFiles()) all.emplace(shared.layout, Combinations(shared.layout));
    return all;
  }();
  const SharedFile* shared = FindSharedFile(model);
  return by_layout.at(shared == nullptr ? "" : shared->layout);
}

std::span<const std::string_view> ReferencePrograms() {
  static const std::vector<std::string_view> programs = [] {
    std::vector<std::string_view> all;
    for (const OrderedJson& model : Source().at("programs")) all.push_back(Text(model));
    return all;
  }();
  return programs;
}

}  // namespace loadpath
