#include "harness/checkpoint/formats/zip/script_classes.h"

#include <algorithm>
#include <optional>

#include "harness/base/keyed_hash.h"
#include "harness/checkpoint/limits.h"

namespace loadpath {
namespace {

// A literal as printQuotedString writes it (torch/csrc/jit/frontend/parse_string_literal.h): \n and the like, and three
// octal digits for every other byte that does not print. Takes it from `text`.
std::optional<std::string> TakeLiteral(std::string_view& text) {
  if (text.empty() || (text[0] != '"' && text[0] != '\'')) return std::nullopt;
  const char quote = text[0];
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) {
      text.remove_prefix(i + 1);
      return out;
    }
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    constexpr std::string_view kNames = "abfnrtv\\'\"", kBytes = "\a\b\f\n\r\t\v\\'\"";
    if (const std::size_t at = kNames.find(text[i]); at != std::string_view::npos) {
      out += kBytes[at];
      continue;
    }
    int byte = 0;
    for (int digit = 0; digit < 3; ++digit, ++i) {
      if (i == text.size() || text[i] < '0' || text[i] > '7') return std::nullopt;
      byte = byte * 8 + (text[i] - '0');
    }
    --i;
    out += static_cast<char>(byte);
  }
  return std::nullopt;
}

// ["weight", "bias", ]
std::optional<HashSet<std::string>> ParseList(std::string_view text) {
  if (!text.starts_with('[')) return std::nullopt;
  HashSet<std::string> names;
  text.remove_prefix(1);
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.starts_with(']')) {
      if (text.find_first_not_of(' ', 1) != std::string_view::npos) return std::nullopt;
      return names;
    }
    std::optional<std::string> name = TakeLiteral(text);
    if (!name) return std::nullopt;
    names.insert(std::move(*name));
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.starts_with(','))
      text.remove_prefix(1);
    else if (!text.starts_with(']'))
      return std::nullopt;
  }
}

}  // namespace

const ScriptClass& ScriptClasses::Find(std::string_view name) {
  const std::string full(name), module = full.substr(0, full.rfind('.'));
  std::string path = "code/" + module + ".py";
  std::replace(path.begin() + 5, path.end() - 3, '.', '/');
  if (parsed_.insert(module).second) {
    const ZipRecord* record = directory_.Find(path);
    if (record == nullptr) source_.Fail(ErrorCode::kMissingRecord, "lacks the source of class " + full, path);
    if (record->size > limits::kSourceBytes)
      source_.Fail(ErrorCode::kLimitExceeded, "has a source file of more than 64 MiB", path);
    Parse(module, *record);
  }
  const auto found = classes_.find(full);
  if (found == classes_.end())
    source_.Fail(ErrorCode::kBadArchive, "names class " + full + ", which its source does not define", path);
  // PyTorch writes even an empty one. Without it the module's tensors would be passed over.
  if (found->second.is_module && !found->second.has_parameters) {
    source_.Fail(ErrorCode::kBadArchive, "defines module class " + full + " without its list of parameters", path);
  }
  return found->second;
}

void ScriptClasses::Parse(const std::string& module, const ZipRecord& record) {
  const std::vector<std::byte> bytes = directory_.Read(record, true);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ScriptClass* current = nullptr;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    constexpr std::string_view kClass = "class ", kParameters = "  __parameters__", kBuffers = "  __buffers__",
                               kIs = " = ";
    if (line.starts_with(kClass)) {
      line.remove_prefix(kClass.size());
      const std::string_view name = line.substr(0, line.find_first_of("(:"));
      const auto [entry, added] = classes_.emplace(module + "." + std::string(name), ScriptClass());
      if (!added)
        source_.Fail(ErrorCode::kBadArchive, "defines class " + entry->first + " twice", directory_.name(record));
      current = &entry->second;
      current->is_module = line.substr(name.size()).starts_with("(Module)");
    } else if (!line.starts_with(' ')) {
      current = nullptr;
    } else if (current != nullptr && (line.starts_with(kParameters) || line.starts_with(kBuffers))) {
      const bool parameters = line.starts_with(kParameters);
      line.remove_prefix(parameters ? kParameters.size() : kBuffers.size());
      const bool is = line.starts_with(kIs);
      std::optional<HashSet<std::string>> names = is ? ParseList(line.substr(kIs.size())) : std::nullopt;
      if (!names)
        source_.Fail(ErrorCode::kBadArchive, "has a list of parameters or buffers that is malformed",
                     directory_.name(record));
      (parameters ? current->parameters : current->buffers) = std::move(*names);
      current->has_parameters |= parameters;
    } else if (current != nullptr && line.starts_with("  def ")) {
      current->has_methods = true;
    }
  }
}

}  // namespace loadpath
