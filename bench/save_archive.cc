#include "bench/save_archive.h"

#include <torch/serialize.h>

#include <algorithm>

#include "harness/base/error.h"
#include "loadpath/load_state_dict.h"

namespace loadpath::bench {

int SaveArchive(const std::string& model, const std::string& state_dict, const std::string& archive,
                std::span<const Model> models) {
  const auto found = std::ranges::find(models, model, &Model::name);
  if (found == models.end()) throw UsageError("this program has no model " + model + ": build it again");
  const std::shared_ptr<torch::nn::Module> module = found->make();
  LoadStateDict(*module, StateDict::From(Checkpoint::Open(state_dict), ""));
  module->eval();
  torch::save(module, archive);
  return 0;
}

}  // namespace loadpath::bench
