#ifndef LOADPATH_TESTS_MODELS_REFERENCE_MODULE_H_
#define LOADPATH_TESTS_MODELS_REFERENCE_MODULE_H_

#include <torch/nn/module.h>

#include <memory>

#include "harness/golden/manifest.h"
#include "models/models.h"

namespace loadpath {

/// Returns the manifest of the reference data that the fixture `reference` made.
const Manifest& ReferenceManifest();

/// Returns what the manifest says of the model. Throws std::runtime_error if it says nothing.
const ManifestModel& ReferenceOf(const Model& model);

/// Returns the model with the reference's weights, in eval mode. torch::pickle_load reads them, so that the models are
/// tested without our own reader.
std::shared_ptr<torch::nn::Module> ReferenceModule(const Model& model);

}  // namespace loadpath

#endif  // LOADPATH_TESTS_MODELS_REFERENCE_MODULE_H_
