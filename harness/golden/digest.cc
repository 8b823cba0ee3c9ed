#include <ATen/Parallel.h>

#include <bit>

#include "harness/base/sha256.h"
#include "harness/golden/compare.h"
#include "harness/state/module_state.h"
#include "harness/state/scalar_type.h"

namespace loadpath {
namespace {

static_assert(std::endian::native == std::endian::little, "digests are taken over little-endian elements");

using Named = std::pair<std::string, at::Tensor>;

std::string Describe(const std::string& dtype, at::IntArrayRef shape) {
  std::string text = dtype + " [";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

// Returns what is wrong with one tensor of the module; empty if nothing is.
std::string Check(const Named& named, const ManifestModel& model) {
  const auto& [name, tensor] = named;
  const auto found = model.tensors.find(name);
  if (found == model.tensors.end()) return "is in the module, but not in the reference";
  const ManifestTensor& expected = found->second;
  const auto dtype = FromScalarType(tensor.scalar_type());
  const std::string name_of_dtype(dtype ? Name(*dtype) : c10::toString(tensor.scalar_type()));
  if (name_of_dtype != expected.dtype || tensor.sizes() != at::IntArrayRef(expected.shape)) {
    return "is " + Describe(name_of_dtype, tensor.sizes()) + ", the reference " +
           Describe(expected.dtype, expected.shape);
  }
  return Digest(tensor) == expected.sha256 ? "" : "does not have the reference's bits";
}

}  // namespace

std::string Digest(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous();
  return Sha256({static_cast<const std::byte*>(plain.const_data_ptr()), plain.nbytes()});
}

std::string CheckParameters(const torch::nn::Module& module, const ManifestModel& model) {
  return CheckTensors(StateOf(module), model, /*all=*/true);
}

std::string CheckTensors(std::span<const Named> state, const ManifestModel& model, bool all) {
  std::vector<std::string> wrong(state.size());
  at::parallel_for(0, static_cast<std::int64_t>(state.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) wrong[i] = Check(state[i], model);
  });

  std::string first;
  std::size_t count = 0;
  const auto report = [&](const std::string& name, const std::string& what) {
    if (count++ == 0) first = "\"" + name + "\" " + what;
  };
  std::map<std::string_view, bool> present;
  for (std::size_t i = 0; i < state.size(); ++i) {
    present[state[i].first] = true;
    if (!wrong[i].empty()) report(state[i].first, wrong[i]);
  }
  for (const auto& [name, tensor] : model.tensors) {
    if (all && !present.contains(name)) report(name, "is in the reference, but not in the module");
  }
  if (count == 0) return {};
  return first + " (" + std::to_string(count) + " of " + std::to_string(model.tensors.size()) + " tensors are wrong)";
}

}  // namespace loadpath
