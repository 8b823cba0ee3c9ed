#include "harness/suite/catalogue.h"

#include <algorithm>

#include "harness/base/parallel.h"
#include "harness/golden/manifest.h"
#include "harness/golden/reference_files.h"
#include "harness/load/load_path.h"
#include "harness/suite/case_kinds.h"

namespace loadpath {

std::vector<Case> Catalogue(const CatalogueRequest& request) {
  std::vector<Case> all;
  for (const CaseKindRow& row : CaseKindRows()) row.list(request, all);
  return all;
}

std::vector<ModelSet> ModelSets(std::span<const Model> models) {
  std::vector<ModelSet> sets;
  for (const Model& model : models) {
    const std::string name(model.name);
    sets.push_back({name, {name}, {{"", false}}});
    for (const SharedFile& shared : SharedFiles()) {
      if (shared.models.back() != name) continue;
      const std::vector<std::string> members(shared.models.begin(), shared.models.end());
      ModelSet& set = sets.emplace_back(ModelSet{std::string(shared.name), members, {}});
      for (const std::string_view opening : shared.openings) {
        set.openings.push_back({std::string(shared.layout) + ":" + std::string(opening), opening == "once"});
      }
    }
  }
  return sets;
}

void AddLoads(Case base, const CatalogueRequest& request, std::vector<Case>& all) {
  for (const LoadPath& path : LoadPaths()) {
    for (const DeviceName& device : request.devices) {
      for (const CacheState cache : request.caches) {
        // The new process finds its file by itself.
        if (base.kind == CaseKind::kStartup && cache == CacheState::kCopy) continue;
        base.path = path.name;
        base.device = device;
        base.cache = cache;
        for (const MemoryState memory : request.memories) {
          if (base.kind == CaseKind::kStartup && memory != request.memories.front()) continue;
          base.memory = base.kind == CaseKind::kStartup ? MemoryState::kBacked : memory;
          all.push_back(base);
        }
      }
    }
  }
}

void AddReferenceLoads(CaseKind kind, const CatalogueRequest& request, std::vector<Case>& all) {
  if (!request.checkpoints.empty()) return;
  for (const ModelSet& set : ModelSets(request.models)) {
    for (const FormatAndLayout& file : ReferenceFiles(set.name)) {
      for (const ModelSet::Opening& opening : set.openings) {
        const std::string layout(file.layout);
        AddLoads({.kind = kind,
                  .model = set.name,
                  .format = std::string(file.format),
                  .layout = opening.layout.empty() ? layout : opening.layout,
                  .models = set.models,
                  .file_layout = layout,
                  .opened_once = opening.once},
                 request, all);
      }
    }
    for (const OwnFile& file : request.own) {
      if (file.model != set.name) continue;
      const std::string layout(kOwnLayout);
      AddLoads({.kind = kind,
                .model = set.name,
                .format = file.format,
                .layout = layout,
                .models = set.models,
                .file_layout = layout},
               request, all);
    }
  }
}

}  // namespace loadpath
