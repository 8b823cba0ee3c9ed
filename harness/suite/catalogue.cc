#include "harness/suite/catalogue.h"

#include <algorithm>

#include "harness/base/parallel.h"
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
    if (name == "multi:B")
      sets.push_back({"multi:A+B", {"multi:A", name}, {{"multi:once", true}, {"multi:twice", false}}});
  }
  return sets;
}

void AddLoads(Case base, const CatalogueRequest& request, std::vector<Case>& all) {
  for (const LoadPath& path : LoadPaths()) {
    for (const DeviceName& device : request.devices) {
      for (const CacheState cache : request.caches) {
        base.path = path.name;
        base.device = device;
        base.cache = cache;
        all.push_back(base);
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
  }
}

}  // namespace loadpath
