#include "harness/suite/reference_source.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "harness/golden/check_outputs.h"
#include "harness/golden/reference_files.h"
#include "harness/state/apply.h"
#include "harness/state/module_state.h"

namespace loadpath {
namespace {

// Whether the path is expected to take files of the case's format on its device. LibTorch's own readers may refuse what
// they were not made for.
bool MustLoad(const LoadPath& path, const Case& one) {
  if (one.device && one.device->kind != DeviceKind::kCpu) return path.libtorch_reader.empty();
  if (path.input == LoadInput::kTorchScript) return one.format == "torchscript" || one.format == "cpp";
  return true;
}

// A tensor that the load left out is completed below, and would then be right whatever the file holds.
void RequireLoaded(const std::vector<std::string>& pythons, std::span<const KeyReport> report) {
  std::set<std::string> missing(pythons.begin(), pythons.end());
  for (const KeyReport& key : report) {
    const bool loaded = key.outcome == KeyOutcome::kLoaded || key.outcome == KeyOutcome::kConverted;
    if (loaded && missing.erase(key.key) == 0) {
      throw WrongAnswer("\"" + key.key + "\" was loaded, and Python does not load it by these rules");
    }
  }
  if (!missing.empty()) {
    throw WrongAnswer("\"" + *missing.begin() + "\" was not loaded, and Python loads it by these rules");
  }
}

}  // namespace

ReferenceSource FindReference(const Case& one, const Session& session) {
  const LoadPath& path = *FindLoadPath(one.path);
  ReferenceSource source;
  source.must_load = MustLoad(path, one);
  for (const std::string& model : one.models) {
    const ManifestFile& file = session.FileOf(model, one.format, one.file_layout);
    const bool plain = path.input == LoadInput::kPlainDict && !file.plain_dict.empty();
    source.must_load = source.must_load && (path.input != LoadInput::kPlainDict || plain);
    source.file = session.manifest().PathOf(plain ? file.plain_dict : file.name);
    if (!std::filesystem::exists(source.file)) throw MissingData("no " + source.file + "; " + session.make_data());
    const auto key = std::ranges::find(file.models, model, [](const auto& named) { return named.first; });
    if (key == file.models.end()) throw std::runtime_error(source.file + ": the manifest names no key for " + model);
    source.parts.push_back(
        {&session.FindModel(model), &session.ModelOf(model), key->second, file.layout == kOwnLayout ? &file : nullptr});
  }
  return source;
}

void Complete(const ReferencePart& part, const LoadPath& path, std::span<const KeyReport> report,
              torch::nn::Module& module, const Session& session) {
  RequireLoaded(part.own->loaded, report);
  const at::NoGradGuard no_grad;
  if (path.keeps_dtypes) {
    for (auto& [name, tensor] : StateOf(module)) {
      const auto found = part.entry->tensors.find(name);
      if (found == part.entry->tensors.end()) continue;
      const auto dtype = DtypeByName(found->second.dtype);
      const auto type = dtype ? FindScalarType(*dtype) : std::nullopt;
      if (type && *type != tensor.scalar_type()) tensor.set_data(tensor.to(*type));
    }
  }
  if (part.own->rules.only.empty() && part.own->rules.skip.empty()) return;
  std::set<std::string_view> left_out;
  for (const KeyReport& key : report) {
    if (key.outcome == KeyOutcome::kLeftOut) left_out.insert(key.key);
  }
  const ReferenceSource whole = FindWeights(std::string(part.model->name), session);
  const auto checkpoint = Checkpoint::Open(whole.file);
  auto tensors = PlanLoadStateDict(module, StateDict::From(checkpoint, whole.parts.front().key)).tensors;
  std::erase_if(tensors, [&](const PlannedTensor& tensor) { return !left_out.contains(tensor.key); });
  ApplyCopy(*checkpoint, tensors);
}

ReferenceSource FindWeights(const std::string& model, const Session& session) {
  const auto files = ReferenceFiles(model);
  const auto found = std::ranges::find(files, "zip", &FormatAndLayout::format);
  if (found == files.end()) throw std::logic_error("no zip file of " + model + " in ReferenceFiles");
  return FindReference({.kind = CaseKind::kForward,
                        .model = model,
                        .format = "zip",
                        .path = "direct",
                        .models = {model},
                        .file_layout = std::string(found->layout)},
                       session);
}

OpenOptions HowToOpen(const Case& one) {
  return {.opaque = one.checkpoint ? one.checkpoint->opaque : one.format == "opaque"};
}

LoadResult LoadBy(const LoadPath& path, const LoadRequest& request, bool must_load) {
  try {
    return path.load(request);
  } catch (const Skipped& refused) {
    if (!must_load) throw;
    throw std::runtime_error(std::string(refused.what()) + " (" + std::string(path.name) +
                             " is expected to load this format)");
  }
}

}  // namespace loadpath
