#include "models/families.h"

namespace loadpath {

std::span<const Model> Models() {
  static const std::vector<Model> models = {
      LinearModelEntry(), CustomModelEntry(),  MultiModelAEntry(),    MultiModelBEntry(), CrepeTinyEntry(),
      CrepeFullEntry(),   Resnet50Entry(),     Gpt2Entry(),           FacenetPNetEntry(), FacenetRNetEntry(),
      FacenetONetEntry(), DropoutModelEntry(), BatchNormModelEntry(),
  };
  return models;
}

const Model* FindModel(std::string_view name) {
  for (const Model& model : Models()) {
    if (model.name == name) return &model;
  }
  return nullptr;
}

}  // namespace loadpath
