#include "bench/ckpt/command_line.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <vector>

#include "bench/ckpt/errors.h"
#include "harness/base/error.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/checkpoint/key_mapping.h"
#include "harness/inspect/file_and_key.h"

namespace loadpath::ckpt {
namespace {

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const Subcommand& subcommand : Subcommands()) names.emplace_back(subcommand.name);
  return names;
}

std::string Joined(const std::vector<std::string>& names, const std::string& last_separator) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? last_separator : ", ") + names[i];
  return text;
}

std::string UnexpectedArgument(const CLI::App& app, const std::string& name, const std::string& argument) {
  const std::string flag = argument.substr(0, argument.find('='));
  if (argument == "--") return name + ": what follows -- is a file, not an option: put options before it";
  std::error_code unreadable;
  if (flag.starts_with("-") && std::filesystem::exists(argument, unreadable))
    return name + ": no option " + Escaped(flag) + "; for the file of that name write ./" + Escaped(argument);
  const std::string sentence = flag.starts_with("-") ? "no option " + Escaped(flag) + DidYouMeanFlag(app, flag)
                                                     : "unexpected argument " + Escaped(argument);
  return name + ": " + sentence + " (" + name + " --help)";
}

// The one line for a command line that CLI11 refused. `first` is the first argument, `chosen` the subcommand it names.
std::string Line(const CLI::App& app, const CLI::App* chosen, const CLI::ParseError& error, const std::string& first) {
  if (chosen == nullptr) {
    if (first.empty())
      return CommandName() + ": " + Joined(Names(), " or ") + " is missing (" + CommandName() + " --help)";
    if (first.starts_with("-")) return UnexpectedArgument(app, CommandName(), first);
    return CommandName() + ": no subcommand " + Escaped(first) + DidYouMean(first, Names()) + " (" +
           Joined(Names(), ", ") + "; " + CommandName() + " --help)";
  }
  const std::string name = CommandName() + " " + chosen->get_name();
  const std::vector<std::string> rest = app.remaining(true);
  // A mistyped --model is what to tell, not that --model is required.
  if (!rest.empty() && (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                        (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && rest[0].starts_with("-"))))
    return UnexpectedArgument(*chosen, name, rest[0]);
  const std::string sentence = error.what();
  return name + ": " + Escaped(sentence.substr(0, sentence.find('\n'))) + " (" + name + " --help)";
}

// CLI11 ends the line.
std::string VersionLines() {
  std::string text = VersionText(CommandName());
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string NamesAFile(const std::string& text) {
  return ParseFileAndKey(text).file.empty() ? text + " names no file before \"::\"" : "";
}

// The last "=" parts them: an expression may hold others, the name of a key does not.
KeyRename ParseRename(const std::string& text) {
  const std::size_t equals = std::min(text.rfind('='), text.size());
  return {text.substr(0, equals), text.substr(std::min(equals + 1, text.size()))};
}

std::string RenameProblem(const std::string& text) {
  if (text.find('=') == std::string::npos) return text + " has no \"=\": write PATTERN=REPLACEMENT";
  return KeyRulesProblem({.rename = {ParseRename(text)}});
}

bool NeedsIt(NeedsLibTorch when, const CLI::App& app) {
  return when == NeedsLibTorch::kAlways || (when == NeedsLibTorch::kWithModel && app.count("--model") > 0);
}

}  // namespace

std::optional<Invocation> ParseCommandLine(int argc, char** argv) {
  CLI::App app(
      "Shows what a PyTorch checkpoint holds, loads it into a C++ module, compares checkpoints, converts to "
      "safetensors.",
      CommandName());
  LayOutHelp(app);
  app.require_subcommand(1);
  app.set_version_flag("--version", VersionLines, "Print the version and how this was built");
  app.footer(Examples({"inspect model.pth", "load train.pth --model linear --key model_state_dict",
                       "diff before.pth after.pth", "diff training.pth::model_state_dict model.safetensors",
                       "convert model.pth model.safetensors"}) +
             kExitCodes);

  const std::string first = argc > 1 ? argv[1] : "";
  const CLI::App* chosen = nullptr;
  Invocation invocation;
  std::vector<std::pair<CLI::App*, NeedsLibTorch>> needs;
  std::vector<Command> commands;
  for (const Subcommand& subcommand : Subcommands()) {
    CLI::App* added = app.add_subcommand(subcommand.name, subcommand.summary);
    commands.push_back(subcommand.declare(*added));
    needs.emplace_back(added, subcommand.needs_libtorch);
    if (first == subcommand.name) chosen = added;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    std::ostringstream text;
    app.exit(asked, text, text);
    WriteStdout(text.str());
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    throw UsageError(Line(app, chosen, error, first));
  }
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (!needs[i].first->parsed()) continue;
    invocation = {std::move(commands[i]), NeedsIt(needs[i].second, *needs[i].first)};
  }
  return invocation;
}

std::string Examples(std::initializer_list<std::string_view> command_lines) {
  constexpr std::string_view kModel = "--model ";
  std::string text = "Examples:\n";
  for (const std::string_view command_line : command_lines) {
    std::string line(command_line);
    const std::size_t model = line.find(kModel);
    if (!Commands().model.empty() && model != std::string::npos) {
      const std::size_t begin = model + kModel.size();
      line.replace(begin, std::min(line.find(' ', begin), line.size()) - begin, ShellQuoted(Commands().model));
    }
    text += "  " + CommandName() + " " + line + "\n";
  }
  return text + "\n";
}

CLI::Option* AddFile(CLI::App& app, const std::string& name, std::string& file, const std::string& help) {
  return app.add_option(name, file, help + "; FILE::a.b.c takes the value at that key path")
      ->check(NotEmpty())
      ->check(CLI::Validator(NamesAFile, ""));
}

void AddKey(CLI::App& app, std::string& key, const std::string& files) {
  app.add_option("--key", key, "The key path of the state dict in " + files + ": model_state_dict, a.b.c");
}

void AddKeyRules(CLI::App& app, KeyRules& rules, const std::string& files) {
  app.add_option(
         "--prefix", rules.prefixes,
         "Remove this prefix from the keys of " + files + ", wherever a component begins with it: module. (repeatable)")
      ->check(NotEmpty())
      ->type_name("PREFIX")
      ->allow_extra_args(false);
  app.add_option_function<std::vector<std::string>>(
         "--rename",
         [&rules](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) rules.rename.push_back(ParseRename(text));
         },
         "Then replace each match of the regular expression A by B, in which $1 is the first group (repeatable, in "
         "order): '^encoder\\.=text.'")
      ->check(CLI::Validator(RenameProblem, ""))
      ->type_name("A=B")
      ->allow_extra_args(false);
  app.add_option("--only", rules.only, "Then leave out the keys without a match of this regular expression")
      ->check(NotEmpty())
      ->check(CLI::Validator([](const std::string& text) { return KeyRulesProblem({.only = text}); }, ""))
      ->type_name("REGEX");
  app.add_option("--skip", rules.skip, "Then leave out the keys with a match of this regular expression")
      ->check(NotEmpty())
      ->check(CLI::Validator([](const std::string& text) { return KeyRulesProblem({.skip = text}); }, ""))
      ->type_name("REGEX");
}

void AddJson(CLI::App& app, bool& json) { app.add_flag("--json", json, "Print JSON"); }

void AddOpaque(CLI::App& app, OpenOptions& open) {
  app.add_flag("--opaque", open.opaque,
               "Open files with classes that are not known here, as torch.save(model) writes them: they "
               "become inert names, modules become their state dicts, nothing in the file is run");
}

void AddCrc(CLI::App& app, CrcMode& crc, const std::string& what) {
  app.add_option_function<std::string>(
         "--crc",
         [&crc](const std::string& text) {
           crc = text == "on" ? CrcMode::kOn : text == "off" ? CrcMode::kOff : CrcMode::kAuto;
         },
         "Check the CRC-32 of " + what + ": auto, on or off")
      ->check(CLI::IsMember({"auto", "on", "off"}))
      ->default_str("auto");
}

}  // namespace loadpath::ckpt
