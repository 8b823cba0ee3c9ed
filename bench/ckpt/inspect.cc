#include <memory>
#include <optional>

#include "bench/ckpt/command_line.h"
#include "bench/ckpt/errors.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "harness/inspect/inspect_report.h"
#include "harness/inspect/print_key.h"
#include "harness/inspect/values_json.h"

namespace loadpath::ckpt {
namespace {

struct InspectOptions {
  std::string file, key;
  bool json = false, digest = false;
  OpenOptions open;
  std::optional<std::string> print;
  CrcMode crc = CrcMode::kAuto;
};

int Run(const InspectOptions& options) {
  if (options.digest) PrepareSha256();
  const FileAndKey name = WithKey(ParseFileAndKey(options.file), options.key);
  const auto checkpoint = Checkpoint::Open(name.file, options.open);
  if (options.print) {
    const std::string key = name.key + (name.key.empty() || options.print->empty() ? "" : ".") + *options.print;
    WriteStdout(PrintKey(*checkpoint, key, options.crc));
    return kDone;
  }
  const Inspection inspection = Inspect(name, checkpoint, options.digest, options.crc);
  WriteStdout(options.json ? InspectJson(inspection) : InspectText(inspection));
  return kDone;
}

}  // namespace

Command DeclareInspect(CLI::App& app) {
  auto options = std::make_shared<InspectOptions>();
  AddFile(app, "FILE", options->file,
          "The checkpoint: of torch.save (zip or older), TorchScript, torch::save, torch.export, "
          "safetensors; an index of shards, a distributed checkpoint, or the folder of either")
      ->required();
  AddKey(app, options->key, "FILE, or of any value in it");
  CLI::Option* json = app.add_flag("--json", options->json, "Print JSON");
  CLI::Option* digest =
      app.add_flag("--digest", options->digest,
                   "SHA-256 of every tensor: elements in row-major order, little-endian, conjugation and "
                   "negation resolved");
  app.add_option("--print", options->print, "Show the whole tensor or value at this key path")
      ->excludes(json)
      ->excludes(digest);
  AddOpaque(app, options->open);
  AddCrc(app, options->crc, "the storages that --digest and --print read");
  app.footer(Examples({"inspect model.pth", "inspect model.pth::optimizer_state_dict",
                       "inspect model.pth --json --digest | jq '.tensors[].sha256'",
                       "inspect model.pth --print model_state_dict.linear.weight"}) +
             kValuesHelp + "\n\n" + kExitCodes);
  return {[options] { return ParseFileAndKey(options->file).file; },
          [options](const ModelRuns*) { return Run(*options); }};
}

}  // namespace loadpath::ckpt
