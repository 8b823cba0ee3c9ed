#include <memory>

#include "bench/ckpt/command_line.h"
#include "bench/ckpt/errors.h"
#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/diff/differences.h"

namespace loadpath::ckpt {
namespace {

struct Options {
  std::string file, other, model, key;
  std::optional<double> rtol, atol;
  bool json = false;
  DiffOptions diff;
};

int Run(const Options& options, const ModelRuns* models) {
  FileAndKey file = ParseFileAndKey(options.file);
  if (!options.model.empty()) {
    file = WithKey(file, options.key);
    return models->diff({.file = file,
                         .model = options.model,
                         .rules = options.diff.rules,
                         .json = options.json,
                         .open = options.diff.open});
  }
  if (options.other.empty())
    throw UsageError(CommandName() + " diff: OTHER or --model is missing (" + CommandName() + " diff --help)");
  FileAndKey other = ParseFileAndKey(options.other);
  // --key is for those that name none themselves.
  if (!file.HasKey() || other.HasKey()) file = WithKey(file, options.key);
  if (!other.HasKey()) other = WithKey(other, options.key);
  DiffOptions diff = options.diff;
  diff.command = CommandName();
  if (options.rtol || options.atol) diff.tolerance = {options.rtol.value_or(0), options.atol.value_or(0)};
  const Differences differences = CompareFiles(file, other, diff);
  WriteStdout(options.json ? DiffJson(differences) : DiffText(differences));
  return differences.equal() ? kDone : kFailed;
}

}  // namespace

Command DeclareDiff(CLI::App& app) {
  auto options = std::make_shared<Options>();
  AddFile(app, "FILE", options->file, "The checkpoint")->required();
  CLI::Option* other = app.add_option("OTHER", options->other,
                                      "The checkpoint to compare with, FILE::a.b.c too: missing is what only FILE has");
  CLI::Option* model =
      app.add_option("--model", options->model, "Compare FILE with this model: missing is what only the model has")
          ->excludes(other);
  AddKey(app, options->key, "FILE and OTHER, if they name none themselves");
  AddKeyRules(app, options->diff.rules, "FILE and OTHER");
  // CLI11's own validator would write the largest double out in full.
  const CLI::Validator tolerance(
      [](const std::string& text) {
        double number = 0;
        return CLI::detail::lexical_cast(text, number) && number >= 0 ? "" : text + ": a number from 0 on is needed";
      },
      "");
  app.add_option("--rtol", options->rtol,
                 "Accept elements with |FILE - OTHER| <= ATOL + RTOL * |FILE|, as torch.testing.assert_close does, "
                 "and NaN if both are NaN; without --rtol and --atol elements are compared bit by bit")
      ->check(tolerance)
      ->excludes(model);
  app.add_option("--atol", options->atol, "See --rtol; if only one of the two is given, the other is 0")
      ->check(tolerance)
      ->excludes(model);
  AddJson(app, options->json);
  AddOpaque(app, options->diff.open);
  AddCrc(app, options->diff.crc, "the storages that are read");
  app.footer(
      Examples({"diff before.pth after.pth", "diff epoch1.pth epoch2.pth --key model_state_dict --json",
                "diff training.pth::model_state_dict model.safetensors",
                "diff epoch1.pth epoch2.pth --rtol 1e-3 --atol 1e-5",
                "diff ddp.pth plain.pth --prefix module. --only '^encoder\\.'", "diff model.pth --model resnet50"}) +
      kExitCodes);
  return {[options] { return ParseFileAndKey(options->file).file; },
          [options](const ModelRuns* models) { return Run(*options, models); }};
}

}  // namespace loadpath::ckpt
