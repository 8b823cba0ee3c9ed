#ifndef LOADPATH_MODEL_H_
#define LOADPATH_MODEL_H_

#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loadpath {

/// A LibTorch module with the names of a Python module, and its example inputs.
struct Model {
  std::string_view name;     ///< a literal: "linear", "multi:A", "crepe:tiny"
  std::string_view summary;  ///< one line: the Python class and why it is here
  std::function<std::shared_ptr<torch::nn::Module>()> make;
  /// Returns the inputs for a batch size. They have the same bits on every machine (ExampleInput below).
  std::function<std::vector<at::Tensor>(std::int64_t batch)> example_inputs;
  /// Runs one forward pass and returns the outputs in Python's order.
  std::function<std::vector<at::Tensor>(torch::nn::Module&, std::span<const at::Tensor>)> forward;
  std::vector<std::int64_t> batches;  ///< the batch sizes that have goldens and that `forward/…` measures
  bool usual = true;                  ///< its cases run if nobody chooses (--filter)
};

/// Casts the floating-point parameters and buffers, as Python's module.to(dtype) and module.half() do.
/// torch::nn::Module::to casts the integers too, such as batch normalisation's counter.
void CastFloatingPoint(torch::nn::Module& module, at::ScalarType dtype);

/// Returns float32 numbers in [-1, 1]: element i is ((i * 2654435761 + seed * 40503) mod 2^32) / 2^31 - 1, computed in
/// double and rounded once. loadpath.reference.example_input makes the same bits in Python.
at::Tensor ExampleInput(std::vector<std::int64_t> shape, std::uint32_t seed);
/// Returns int64 numbers in [0, limit) from the same sequence.
at::Tensor ExampleTokens(std::vector<std::int64_t> shape, std::int64_t limit, std::uint32_t seed);

}  // namespace loadpath

#endif  // LOADPATH_MODEL_H_
