#ifndef LOADPATH_HARNESS_GOLDEN_CHECK_DATA_H_
#define LOADPATH_HARNESS_GOLDEN_CHECK_DATA_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "harness/golden/manifest.h"

namespace loadpath {

/// What became of reference data that were copied or committed.
struct DataCheck {
  std::size_t files = 0, goldens = 0;
  std::vector<std::string> not_made;  ///< one line each: a file that PyTorch cannot make of a model, and why
  std::vector<std::string> problems;  ///< one line each: a file that is absent or changed, a model without an entry, …
};

/// A model of the program: its batch sizes, and its example inputs for one.
struct CheckedModel {
  std::string name;
  std::vector<std::int64_t> batches;
  std::function<std::vector<at::Tensor>(std::int64_t batch)> example_inputs;
};

/// Holds the size and the SHA-256 of every file against the manifest, and the models of the program, with their batch
/// sizes and example inputs, against its entries and goldens.
DataCheck CheckData(const Manifest& manifest, std::span<const CheckedModel> models);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_GOLDEN_CHECK_DATA_H_
