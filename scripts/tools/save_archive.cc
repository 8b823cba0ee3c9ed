// save-archive MODEL STATE_DICT ARCHIVE: loads a state dict into a model's C++ module and saves the module by
// torch::save, as C++ programs do. The generator of reference data runs it.
#include <torch/serialize.h>

#include <iostream>

#include "loadpath/load_state_dict.h"
#include "models/models.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: save-archive MODEL STATE_DICT ARCHIVE\n";
    return 2;
  }
  const loadpath::Model* model = loadpath::FindModel(argv[1]);
  if (model == nullptr) {
    std::cerr << "save-archive: this build has no model " << argv[1]
              << ": list its file in models/models.def and build save-archive again\n";
    return 2;
  }
  try {
    const std::shared_ptr<torch::nn::Module> module = model->make();
    loadpath::LoadStateDict(*module, loadpath::StateDict::From(loadpath::Checkpoint::Open(argv[2]), ""));
    module->eval();
    torch::save(module, argv[3]);
  } catch (const std::exception& error) {
    std::cerr << "save-archive: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
