#ifndef LOADPATH_TESTS_MODELS_REFERENCE_MODULE_H_
#define LOADPATH_TESTS_MODELS_REFERENCE_MODULE_H_

#include <torch/nn/module.h>

#include <memory>

#include "harness/golden/manifest.h"
#include "models/model.h"

namespace loadpath {

/// The manifest of the reference data that the fixture `reference` made.
const Manifest& ReferenceManifest();

/// The model with the reference's weights, in eval mode. They are read by torch::pickle_load, so that the models are
/// tested without our own reader.
std::shared_ptr<torch::nn::Module> ReferenceModule(const Model& model);

}  // namespace loadpath

#endif  // LOADPATH_TESTS_MODELS_REFERENCE_MODULE_H_
