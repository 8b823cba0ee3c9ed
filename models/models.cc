#include "models/models.h"

#include <algorithm>

#include "models/entries.h"

namespace loadpath {

std::span<const Model> Models() {
  static const std::vector<Model> models = [] {
    std::vector<Model> all;
#define LOADPATH_MODELS(file, function) \
  for (Model & model : function()) all.push_back(std::move(model));
#include "models/models.def"
#undef LOADPATH_MODELS
    // The original cases and the published checkpoint: a few minutes.
    constexpr std::string_view kUsual[] = {"linear", "custom", "multi:A", "multi:B", "crepe:full"};
    for (Model& model : all) model.usual = std::ranges::find(kUsual, model.name) != std::end(kUsual);
    return all;
  }();
  return models;
}

const Model* FindModel(std::string_view name) {
  for (const Model& model : Models()) {
    if (model.name == name) return &model;
  }
  return nullptr;
}

}  // namespace loadpath
