#ifndef LOADPATH_MODELS_MODEL_H_
#define LOADPATH_MODELS_MODEL_H_

#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loadpath {

/// A LibTorch module whose names mirror a Python module's exactly, with example inputs. Its Python twin is the file of
/// the same name beside it (models/<file>.py).
struct Model {
  std::string_view name;     ///< "linear", "multi:A", "crepe:tiny"
  std::string_view summary;  ///< one line: the Python class and what it is here for
  std::function<std::shared_ptr<torch::nn::Module>()> make;
  /// Inputs for a batch of `batch`, the same bits on every machine (ExampleInput below).
  std::function<std::vector<at::Tensor>(std::int64_t batch)> example_inputs;
  /// One forward pass; the outputs in the order of Python's.
  std::function<std::vector<at::Tensor>(torch::nn::Module&, std::span<const at::Tensor>)> forward;
  std::vector<std::int64_t> batches;  ///< the batch sizes that goldens exist for and `forward/…` measures
};

/// All models, in the order in which they are listed.
std::span<const Model> Models();
/// nullptr where there is none of that name.
const Model* FindModel(std::string_view name);

/// float32 in [-1, 1): element i is ((i * 2654435761 + seed * 40503) mod 2^32) / 2^31 - 1, computed in double and
/// rounded once, so that Python makes the same bits (models/example_input.py).
at::Tensor ExampleInput(std::vector<std::int64_t> shape, std::uint32_t seed);
/// int64 in [0, limit), from the same sequence.
at::Tensor ExampleTokens(std::vector<std::int64_t> shape, std::int64_t limit, std::uint32_t seed);

}  // namespace loadpath

#endif  // LOADPATH_MODELS_MODEL_H_
