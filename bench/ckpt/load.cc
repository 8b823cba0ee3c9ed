#include <memory>

#include "bench/ckpt/command_line.h"
#include "bench/ckpt/errors.h"

namespace loadpath::ckpt {

Command DeclareLoad(CLI::App& app) {
  struct Options {
    std::string file, key;
    LoadOptions load;
  };
  auto options = std::make_shared<Options>();
  LoadOptions& load = options->load;
  AddFile(app, "FILE", options->file, "The checkpoint")->required();
  app.add_option("--model", load.model, "The model to load into: " + Commands().suite + " --list-models lists them")
      ->required();
  AddKey(app, options->key, "FILE");
  app.add_option("--via", load.via, "The load path: " + Commands().suite + " --list-paths lists them")
      ->default_val("auto");
  app.add_option("--device", load.device, "cpu, cuda or cuda:N")->default_val("cpu");
  app.add_flag("--lenient", load.lenient, "Accept missing and unexpected keys (strict=False)");
  app.add_flag("--skip-mismatched", load.skip_mismatched,
               "Leave tensors that have another shape in FILE as the model has them, and list them");
  AddKeyRules(app, load.rules, "FILE");
  app.add_option("--input", load.input,
                 "Run on the tensors 0, 1, ... (or input.0, input.1, ...) of this safetensors file, not on the "
                 "example inputs")
      ->check(NotEmpty());
  app.add_option("--output", load.output, "Write the outputs to this safetensors file, as 0, 1, ...")
      ->check(NotEmpty());
  app.add_option("--data", load.data,
                 "The reference data to compare with, if FILE holds its weights (default: reference/ beside the "
                 "program's folder)")
      ->check(NotEmpty());
  AddJson(app, load.json);
  AddOpaque(app, load.open);
  AddCrc(app, load.crc, "the storages that are read");
  app.footer(
      Examples({"load model.pth --model gpt2 --via direct", "load train.pth --model linear --key model_state_dict",
                "load train.pth::ema.shadow --model resnet50",
                "load ddp.pth --model resnet50 --prefix module. --prefix _orig_mod. --json",
                "load old.pth --model resnet50 --rename '^backbone\\.=' --skip '^fc\\.'",
                "load my.pth --model linear --input in.safetensors --output out.safetensors"}) +
      "Phases: construct (the module, without initialisation), open (the file's directory and\n"
      "pickle), parse (the state dict, and the load path's plan: every key and shape is checked),\n"
      "load (bytes into the module, and values that the file did not fill), first_forward.\n\n" +
      kExitCodes);
  return {[options] { return ParseFileAndKey(options->file).file; },
          [options](const ModelRuns* models) {
            options->load.file = WithKey(ParseFileAndKey(options->file), options->key);
            return models->load(options->load);
          }};
}

}  // namespace loadpath::ckpt
