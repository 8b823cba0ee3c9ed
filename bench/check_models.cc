#include "bench/check_models.h"

#include <set>

#include "harness/base/text.h"

namespace loadpath {
namespace {

std::string Problem(const Model& model) {
  constexpr std::string_view kParting = "/ \t\n";
  if (model.name.empty()) return "a model has no name";
  const std::string name = "the model " + Escaped(model.name);
  if (model.name.find_first_of(kParting) != std::string_view::npos || model.name.starts_with('.')) {
    return name +
           ": a name may not hold '/' or a space, nor begin with '.': it is a part of the names of cases and files";
  }
  if (!model.make) return name + " has no make";
  if (!model.example_inputs) return name + " has no example_inputs";
  if (!model.forward) return name + " has no forward";
  if (model.batches.empty()) return name + " has no batches";
  for (const std::int64_t batch : model.batches) {
    if (batch < 1) return name + " has the batch size " + std::to_string(batch) + ": the least is 1";
  }
  return "";
}

}  // namespace

std::string ModelsProblem(std::span<const Model> models) {
  if (models.empty()) return "the suite has no models";
  std::set<std::string_view> names;
  for (const Model& model : models) {
    if (std::string problem = Problem(model); !problem.empty()) return problem;
    if (!names.insert(model.name).second) return "two models are called " + Escaped(model.name);
  }
  return "";
}

}  // namespace loadpath
