#include "harness/save/convert.h"

#include <memory>

#include "bench/ckpt/command_line.h"
#include "bench/ckpt/errors.h"
#include "harness/base/text.h"

namespace loadpath::ckpt {

Command DeclareConvert(CLI::App& app) {
  struct Options {
    std::string file, key, output;
    bool json = false;
    ConvertOptions convert;
  };
  auto options = std::make_shared<Options>();
  AddFile(app, "FILE", options->file, "The checkpoint")->required();
  app.add_option("OUT", options->output,
                 "The safetensors file to write; one that is there is replaced once the new one is whole")
      ->required()
      ->check(NotEmpty());
  AddKey(app, options->key, "FILE");
  AddKeyRules(app, options->convert.rules, "FILE");
  app.add_option_function<std::string>(
         "--aliases",
         [options](const std::string& text) {
           options->convert.aliases = text == "once" ? AliasRule::kOnce : AliasRule::kApart;
         },
         "Tensors that are one and the same in FILE: apart (each is written, every key stays) or once "
         "(the first by name is written, the others are named in __metadata__, as by safetensors' save_model)")
      ->check(CLI::IsMember({"apart", "once"}))
      ->default_str("apart");
  AddJson(app, options->json);
  AddOpaque(app, options->convert.open);
  AddCrc(app, options->convert.crc, "the storages that are read");
  app.footer(
      Examples({"convert model.pth model.safetensors", "convert training.pth model.safetensors --key model_state_dict",
                "convert training.pth::ema.shadow ema.safetensors",
                "convert ddp.pth model.safetensors --prefix module.",
                "convert whole_model.pth model.safetensors --opaque"}) +
      kExitCodes);
  return {[options] { return ParseFileAndKey(options->file).file; },
          [options](const ModelRuns*) {
            const FileAndKey from = WithKey(ParseFileAndKey(options->file), options->key);
            const Conversion done = ConvertToSafetensors(from, options->output, options->convert);
            WriteStdout(options->json ? ConvertJson(done) : ConvertText(done));
            return kDone;
          }};
}

}  // namespace loadpath::ckpt
