#include "bench/ckpt/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdio>
#include <iterator>
#include <new>
#include <sstream>
#include <vector>

#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/inspect/values_json.h"

namespace loadpath::ckpt {
namespace {

constexpr const char* kExitCodes =
    "Exit code: 0 done; 1 the check or comparison failed; 2 bad input or bad use, with one line on standard error.";

void AddCrc(CLI::App* app, std::string& crc, const char* what) {
  app->add_option("--crc", crc, std::string("Check the CRC-32 of ") + what + ": auto, on or off")->default_val("auto");
}

void AddOpaque(CLI::App* app, OpenOptions& open) {
  app->add_flag("--opaque", open.opaque,
                "Open files with classes that are not known here, as torch.save(model) writes them: they become\n"
                "inert names, modules become their state dicts, and nothing of the file is run");
}

// What every command has that reads a whole state dict.
void AddJsonOpaqueCrc(CLI::App* app, bool& json, OpenOptions& open, std::string& crc) {
  app->add_flag("--json", json, "Print JSON");
  AddOpaque(app, open);
  AddCrc(app, crc, "the storages that are read");
}

CrcMode ParseCrc(const std::string& text) {
  if (text == "auto") return CrcMode::kAuto;
  if (text == "on") return CrcMode::kOn;
  if (text == "off") return CrcMode::kOff;
  throw UsageError("ckpt: --crc " + Escaped(text) + ": it is auto, on or off");
}

std::string DidYouMean(const std::string& name, const std::vector<std::string>& candidates) {
  const std::string nearest = Nearest(name, candidates);
  return nearest.empty() ? "" : "; did you mean " + nearest + "?";
}

// CLI11's sentence for what is not an option of this subcommand does not say what is.
std::string UnexpectedArgument(const CLI::App& app, const std::string& name, const std::string& argument) {
  const std::string flag = argument.substr(0, argument.find('='));
  if (!flag.starts_with("-")) return name + ": unexpected argument " + Escaped(argument) + " (" + name + " --help)";
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& longname : option->get_lnames()) flags.push_back("--" + longname);
  }
  return name + ": no option " + Escaped(flag) + DidYouMean(flag, flags) + " (" + name + " --help)";
}

std::string Line(const CLI::App& app, const CLI::App* chosen, const CLI::ParseError& error, const std::string& first) {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : app.get_subcommands(nullptr)) names.push_back(subcommand->get_name());
  if (!chosen) {
    if (first.empty()) return "ckpt: inspect, load, diff or convert is missing (ckpt --help)";
    if (first.starts_with("-")) return UnexpectedArgument(app, "ckpt", first);
    return "ckpt: no subcommand " + Escaped(first) + DidYouMean(first, names) +
           " (inspect, load, diff, convert; ckpt --help)";
  }
  const std::string name = "ckpt " + chosen->get_name();
  const std::vector<std::string> rest = app.remaining(true);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) && !rest.empty()) return UnexpectedArgument(*chosen, name, rest[0]);
  std::string sentence = error.what();
  return name + ": " + Escaped(sentence.substr(0, sentence.find('\n'))) + " (" + name + " --help)";
}

}  // namespace

Options ParseOptions(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Shows what a PyTorch checkpoint holds, loads it into a C++ module, compares checkpoints, converts to "
      "safetensors.",
      "ckpt");
  app.require_subcommand(1);
  app.footer(std::string("Examples:\n"
                         "  ckpt inspect model.pth\n"
                         "  ckpt load linear_model.pth --model linear --key model_state_dict\n"
                         "  ckpt diff before.pth after.pth\n"
                         "  ckpt convert model.pth model.safetensors\n\n") +
             kExitCodes);

  std::string inspect_crc, load_crc, diff_crc, convert_crc;
  InspectOptions& inspect = options.inspect;
  CLI::App* show = app.add_subcommand("inspect", "List the tensors and values of a checkpoint");
  show->add_option("FILE", inspect.file,
                   "The checkpoint: of torch.save (zip or older), TorchScript, torch::save, torch.export, safetensors; "
                   "an index of shards, a distributed checkpoint, or the folder of either")
      ->required();
  CLI::Option* json = show->add_flag("--json", inspect.json, "Print JSON");
  CLI::Option* digest = show->add_flag(
      "--digest", inspect.digest,
      "SHA-256 of every tensor: elements in row-major order, little-endian, conjugation and negation resolved");
  show->add_option("--print", inspect.print, "Show the tensor or value at this key path")
      ->excludes(json)
      ->excludes(digest);
  AddOpaque(show, inspect.open);
  AddCrc(show, inspect_crc, "the storages that --digest and --print read");
  show->footer(std::string("Examples:\n"
                           "  ckpt inspect model.pth\n"
                           "  ckpt inspect model.pth --json --digest | jq '.tensors[].sha256'\n"
                           "  ckpt inspect model.pth --print model_state_dict.linear.weight\n\n") +
               kValuesHelp + "\n\n" + kExitCodes);

  LoadOptions& load = options.load;
  CLI::App* into = app.add_subcommand("load", "Load a checkpoint into a model, check it, run it once");
  into->add_option("FILE", load.file, "The checkpoint")->required();
  into->add_option("--model", load.model, "The model to load into (a wrong name lists them)")->required();
  into->add_option("--key", load.key, "Where the state dict lies in the file: model_state_dict, a.b.c");
  into->add_option("--via", load.via, "The load path (a wrong name lists them)")->default_val("direct");
  into->add_option("--device", load.device, "cpu, cuda or cuda:N")->default_val("cpu");
  into->add_flag("--lenient", load.lenient, "Accept missing and unexpected keys (strict=False)");
  into->add_option("--prefix", load.prefix, "Remove this prefix from the file's keys: module.");
  into->add_option("--input", load.input,
                   "Run on the tensors 0, 1, ... of this safetensors file, not on the example inputs");
  into->add_option("--output", load.output, "Write the outputs to this safetensors file, as 0, 1, ...");
  into->add_option("--data", load.data,
                   "The reference data to compare with (default: reference/ beside the program's folder)");
  AddJsonOpaqueCrc(into, load.json, load.open, load_crc);
  into->footer(
      std::string("Examples:\n"
                  "  ckpt load gpt2.pth --model gpt2 --via direct\n"
                  "  ckpt load linear_model.pth --model linear --key model_state_dict\n"
                  "  ckpt load ddp.pth --model resnet50 --prefix module. --json\n\n"
                  "Phases: construct (the module, without initialisation), open (the file's directory and\n"
                  "pickle), parse (the state dict taken out; with the load path's plan, every key and shape\n"
                  "checked), load (bytes into the module, and what the file did not fill), first_forward.\n\n") +
      kExitCodes);

  DiffOptions& diff = options.diff;
  CLI::App* compare = app.add_subcommand("diff", "Compare two checkpoints, or a checkpoint with a model");
  compare->add_option("FILE", diff.file, "The checkpoint")->required();
  CLI::Option* other =
      compare->add_option("OTHER", diff.other, "The checkpoint to compare with: missing is what only FILE has");
  CLI::Option* against =
      compare->add_option("--model", diff.model, "Compare FILE with this model: missing is what only the model has")
          ->excludes(other);
  compare->add_option("--key", diff.key, "Where the state dict lies in FILE and OTHER: model_state_dict, a.b.c");
  compare->add_option("--prefix", diff.prefix, "Remove this prefix from the keys of FILE and OTHER: module.");
  compare
      ->add_option("--rtol", diff.relative,
                   "Accept elements with |FILE - OTHER| <= ATOL + RTOL * |FILE|, as torch.testing.assert_close does,\n"
                   "and NaN where both are NaN; without --rtol and --atol elements are compared bit by bit")
      ->check(CLI::NonNegativeNumber)
      ->excludes(against);
  compare->add_option("--atol", diff.absolute, "See --rtol; the one of the two that is not given is 0")
      ->check(CLI::NonNegativeNumber)
      ->excludes(against);
  AddJsonOpaqueCrc(compare, diff.json, diff.open, diff_crc);
  compare->footer(std::string("Examples:\n"
                              "  ckpt diff before.pth after.pth\n"
                              "  ckpt diff epoch1.pth epoch2.pth --key model_state_dict --json\n"
                              "  ckpt diff float32.pth quantised.pth --rtol 1e-3 --atol 1e-5\n"
                              "  ckpt diff model.pth --model resnet50\n\n") +
                  kExitCodes);

  ConvertOptions& convert = options.convert;
  CLI::App* into_safetensors = app.add_subcommand("convert", "Write a state dict as a safetensors file");
  into_safetensors->add_option("FILE", convert.file, "The checkpoint")->required();
  into_safetensors
      ->add_option("OUT", convert.output,
                   "The safetensors file to write; one that is there is replaced once the new one is whole")
      ->required();
  into_safetensors->add_option("--key", convert.key, "Where the state dict lies in FILE: model_state_dict, a.b.c");
  into_safetensors
      ->add_option("--aliases", convert.aliases,
                   "Tensors that are one and the same in FILE: apart (each written, every key stays) or once\n"
                   "(written under the first name, the others named in __metadata__, as safetensors' save_model does)")
      ->default_val("apart");
  AddJsonOpaqueCrc(into_safetensors, convert.json, convert.open, convert_crc);
  into_safetensors->footer(std::string("Examples:\n"
                                       "  ckpt convert gpt2.pth gpt2.safetensors\n"
                                       "  ckpt convert training.pth model.safetensors --key model_state_dict\n"
                                       "  ckpt convert whole_model.pth model.safetensors --opaque\n\n") +
                           kExitCodes);

  CLI::App* chosen = nullptr;
  for (CLI::App* subcommand : {show, into, compare, into_safetensors}) {
    if (argc > 1 && subcommand->get_name() == argv[1]) chosen = subcommand;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    std::ostringstream text;
    app.exit(help, text, text);
    WriteStdout(text.str());
    return options;
  } catch (const CLI::ParseError& error) {
    throw UsageError(Line(app, chosen, error, argc > 1 ? argv[1] : ""));
  }
  inspect.crc = ParseCrc(inspect_crc);
  load.crc = ParseCrc(load_crc);
  diff.crc = ParseCrc(diff_crc);
  convert.crc = ParseCrc(convert_crc);
  if (into_safetensors->parsed()) {
    options.command = Command::kConvert;
    if (convert.aliases != "apart" && convert.aliases != "once")
      throw UsageError("ckpt: --aliases " + Escaped(convert.aliases) + ": it is apart or once");
  }
  if (show->parsed()) options.command = Command::kInspect;
  if (into->parsed()) options.command = Command::kLoad;
  if (compare->parsed()) {
    options.command = Command::kDiff;
    if (diff.other.empty() && diff.model.empty()) {
      throw UsageError("ckpt diff: OTHER or --model is missing (ckpt diff --help)");
    }
  }
  return options;
}

const std::string& Options::File() const {
  switch (command) {
    case Command::kLoad:
      return load.file;
    case Command::kDiff:
      return diff.file;
    case Command::kConvert:
      return convert.file;
    default:
      return inspect.file;
  }
}

int Guarded(int (*run)(int argc, char** argv), int argc, char** argv) {
  // A reader of the output that goes away shows as EPIPE in WriteStdout.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file above the user's limit: EFBIG
  std::string line;
  try {
    return run(argc, argv);
  } catch (const UsageError& error) {
    line = error.what();
  } catch (const CheckpointError& error) {
    line = std::string("ckpt: ") + error.what();
  } catch (const std::bad_alloc&) {
    std::fputs("ckpt: out of memory\n", stderr);  // no string: there may be no memory for one
    return kBadUse;
  } catch (const std::exception& error) {
    // LibTorch's errors go on with the place in its source and a stack trace.
    const std::string what = error.what();
    line = "ckpt: " + Escaped(std::string_view(what).substr(0, what.find('\n')));
  }
  std::fprintf(stderr, "%s\n", line.c_str());
  return kBadUse;
}

std::string ProgramFolder() {
  std::array<char, 4096> path;
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  if (length <= 0) throw std::runtime_error("/proc/self/exe cannot be read");
  const std::string program(path.data(), static_cast<std::size_t>(length));
  return program.substr(0, program.rfind('/'));
}

}  // namespace loadpath::ckpt
