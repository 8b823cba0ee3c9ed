#include "harness/golden/manifest.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <tuple>

#include "harness/base/keyed_hash.h"
#include "harness/inspect/json_file.h"

namespace loadpath {
namespace {

using Json = nlohmann::json;

// "models", a name, "tensors", a name, "shape": 6 levels.
constexpr int kDeepest = 8;

// Returns what stands under `key`, as a T. The caller adds which file and entry it was.
template <class T>
T Get(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) throw std::runtime_error("has no \"" + std::string(key) + "\"");
  try {
    return found->get<T>();
  } catch (const Json::exception&) {
    throw std::runtime_error("has a \"" + std::string(key) + "\" of another type, " + found->type_name());
  }
}

const Json& GetObject(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) throw std::runtime_error("has no \"" + std::string(key) + "\"");
  if (!found->is_object()) throw std::runtime_error("has a \"" + std::string(key) + "\" that is not an object");
  return *found;
}

// Calls read(name, entry) for every entry of an object, and adds the name to what it throws.
template <class Read>
void ForEach(const Json& object, std::string_view what, Read read) {
  for (const auto& [name, entry] : object.items()) {
    try {
      if (!entry.is_object()) throw std::runtime_error("is not an object");
      read(name, entry);
    } catch (const std::exception& error) {
      throw std::runtime_error(std::string(what) + " \"" + name + "\" " + error.what());
    }
  }
}

KeyRules ReadRules(const Json& entry) {
  KeyRules rules;
  if (entry.contains("prefixes")) rules.prefixes = Get<std::vector<std::string>>(entry, "prefixes");
  if (entry.contains("rename")) {
    for (const auto& [pattern, replacement] : Get<std::vector<std::pair<std::string, std::string>>>(entry, "rename")) {
      rules.rename.push_back({pattern, replacement});
    }
  }
  if (entry.contains("only")) rules.only = Get<std::string>(entry, "only");
  if (entry.contains("skip")) rules.skip = Get<std::string>(entry, "skip");
  return rules;
}

// Names of files come from the manifest, which may be a stranger's: they stay in its folder.
void RequireInside(const std::string& name) {
  const std::filesystem::path path(name);
  if (name.empty() || path.is_absolute() || std::ranges::find(path, "..") != path.end()) {
    throw std::runtime_error("is not the name of a file in the folder: \"" + name + "\"");
  }
}

ManifestFile ReadFile(const std::string& name, const Json& entry) {
  RequireInside(name);
  ManifestFile file;
  file.name = name;
  file.format = Get<std::string>(entry, "format");
  file.layout = Get<std::string>(entry, "layout");
  file.size = Get<std::uint64_t>(entry, "size");
  file.sha256 = Get<std::string>(entry, "sha256");
  if (entry.contains("plain_dict")) file.plain_dict = Get<std::string>(entry, "plain_dict");
  for (const Json& model : Get<std::vector<Json>>(entry, "models")) {
    file.models.emplace_back(Get<std::string>(model, "model"), Get<std::string>(model, "key"));
  }
  if (file.models.empty()) throw std::runtime_error("has no models");
  if (!file.plain_dict.empty()) RequireInside(file.plain_dict);
  file.rules = ReadRules(entry);
  if (entry.contains("loaded")) file.loaded = Get<std::vector<std::string>>(entry, "loaded");
  return file;
}

ManifestModel ReadModel(const Json& entry) {
  ManifestModel model;
  model.rtol = Get<double>(entry, "rtol");
  model.atol = Get<double>(entry, "atol");
  model.why = Get<std::string>(entry, "why");
  ForEach(GetObject(entry, "tensors"), "tensor", [&](const std::string& name, const Json& tensor) {
    model.tensors[name] = {Get<std::string>(tensor, "dtype"), Get<std::vector<std::int64_t>>(tensor, "shape"),
                           Get<std::string>(tensor, "sha256")};
  });
  for (const auto& [batch, file] : Get<std::map<std::string, std::string>>(entry, "goldens")) {
    std::size_t end = 0;
    std::int64_t size = 0;
    try {
      size = std::stoll(batch, &end);
    } catch (const std::logic_error&) {
    }
    if (end == 0 || end != batch.size() || size < 1) {
      throw std::runtime_error("has a golden for \"" + batch + "\", which is not a batch size");
    }
    RequireInside(file);
    model.goldens[size] = file;
  }
  if (model.goldens.empty()) throw std::runtime_error("has no goldens");
  return model;
}

}  // namespace

Manifest Manifest::Read(const std::string& directory) {
  Manifest manifest;
  manifest.directory_ = directory;
  const std::string path = manifest.PathOf("manifest.json");
  try {
    const Json json = ReadJsonFile(path, kDeepest);
    if (!json.is_object()) throw std::runtime_error("is not a JSON object");
    if (const int schema = Get<int>(json, "schema"); schema != 1) {
      throw std::runtime_error("has schema " + std::to_string(schema) +
                               ", and only schema 1 is read: make it anew by scripts/generate_checkpoints.py");
    }
    HashMap<std::string, std::string> names;  // of files, by what they are
    ForEach(GetObject(json, "files"), "file", [&](const std::string& name, const Json& entry) {
      ManifestFile file = ReadFile(name, entry);
      for (const auto& [model, key] : file.models) {
        const std::string what = file.format + "/" + file.layout + " of " + model;
        const auto [other, is_new] = names.emplace(what, name);
        if (!is_new) throw std::runtime_error("is " + what + ", as \"" + other->second + "\" is");
      }
      manifest.files_.push_back(std::move(file));
    });
    ForEach(GetObject(json, "models"), "model",
            [&](const std::string& name, const Json& entry) { manifest.models_[name] = ReadModel(entry); });
    if (json.contains("programs")) {
      ForEach(GetObject(json, "programs"), "program", [&](const std::string& name, const Json& entry) {
        RequireInside(name);
        manifest.programs_.push_back({name, Get<std::string>(entry, "model")});
      });
    }
    if (json.contains("not_made")) {
      ForEach(GetObject(json, "not_made"), "file", [&](const std::string&, const Json& entry) {
        manifest.not_made_.push_back({Get<std::string>(entry, "model"), Get<std::string>(entry, "format"),
                                      Get<std::string>(entry, "layout"), Get<std::string>(entry, "reason")});
      });
    }
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
  return manifest;
}

const ManifestFile* Manifest::FindFile(std::string_view model, std::string_view format, std::string_view layout) const {
  for (const ManifestFile& file : files_) {
    if (file.format != format || file.layout != layout) continue;
    for (const auto& [name, key] : file.models) {
      if (name == model) return &file;
    }
  }
  return nullptr;
}

const ManifestNotMade* Manifest::FindNotMade(std::string_view model, std::string_view format,
                                             std::string_view layout) const {
  const auto found = std::ranges::find_if(not_made_, [&](const ManifestNotMade& one) {
    return one.model == model && one.format == format && one.layout == layout;
  });
  return found == not_made_.end() ? nullptr : &*found;
}

const ManifestProgram* Manifest::FindProgram(std::string_view model) const {
  const auto found = std::ranges::find(programs_, model, &ManifestProgram::model);
  return found == programs_.end() ? nullptr : &*found;
}

const ManifestModel* Manifest::FindModel(std::string_view model) const {
  const auto found = models_.find(model);
  return found == models_.end() ? nullptr : &found->second;
}

}  // namespace loadpath
