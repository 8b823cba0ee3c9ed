#include <ATen/Functions.h>

#include "loadpath/model.h"

namespace loadpath {
namespace {

// Knuth's multiplicative hash with 2^32 / golden ratio: neighbours lie far apart. Unsigned arithmetic wraps at 2^32.
std::uint32_t Element(std::int64_t i, std::uint32_t seed) {
  return static_cast<std::uint32_t>(i) * 2654435761u + seed * 40503u;
}

}  // namespace

at::Tensor ExampleInput(std::vector<std::int64_t> shape, std::uint32_t seed) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  float* data = tensor.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    data[i] = static_cast<float>(static_cast<double>(Element(i, seed)) / 2147483648.0 - 1.0);
  }
  return tensor;
}

at::Tensor ExampleTokens(std::vector<std::int64_t> shape, std::int64_t limit, std::uint32_t seed) {
  at::Tensor tensor = at::empty(shape, at::kLong);
  std::int64_t* data = tensor.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) data[i] = Element(i, seed) % limit;
  return tensor;
}

}  // namespace loadpath
