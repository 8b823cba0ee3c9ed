#include "harness/inspect/file_and_key.h"

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "harness/base/error.h"
#include "harness/base/text.h"

namespace loadpath {

FileAndKey ParseFileAndKey(const std::string& text) {
  const std::size_t first = text.find("::");
  std::error_code unreadable;
  if (first == std::string::npos || std::filesystem::exists(text, unreadable)) return {text, text, ""};
  for (std::size_t colons = first; colons != std::string::npos; colons = text.find("::", colons + 1)) {
    if (std::filesystem::exists(text.substr(0, colons), unreadable))
      return {text, text.substr(0, colons), text.substr(colons + 2)};
  }
  return {text, text.substr(0, first), text.substr(first + 2)};
}

FileAndKey WithKey(FileAndKey name, const std::string& key) {
  if (key.empty()) return name;
  if (name.HasKey()) {
    throw UsageError("ckpt: " + Escaped(name.text) + " names a key path, and so does --key " + Escaped(key) +
                     "; leave one of them out");
  }
  name.key = key;
  return name;
}

std::string KeyPath(std::span<const std::string> elements) {
  std::string path;
  for (std::size_t i = 0; i < elements.size(); ++i) path += (i == 0 ? "" : ".") + elements[i];
  return path;
}

std::string KeyArgument(const FileAndKey& name, const std::string& key) {
  return name.HasKey() ? ShellArgument(name.file, key) : "--key " + ShellQuoted(key);
}

std::string ShellArgument(const std::string& file, const std::string& key) {
  // Else it would be an option.
  return ShellQuoted((file.starts_with('-') ? "./" : "") + file + (key.empty() ? "" : "::" + key));
}

std::string ShellQuoted(const std::string& text) {
  static constexpr const char* kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:,+@%=";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  const bool printable = Escaped(text) == text;
  std::string quoted = printable ? "'" : "$'";
  for (const char c : text) {
    if (printable) {
      quoted += c == '\'' ? "'\\''" : std::string(1, c);
    } else if (c >= ' ' && c <= '~' && c != '\'' && c != '\\') {
      quoted += c;
    } else {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned char>(c));
      quoted += escape;
    }
  }
  return quoted + "'";
}

std::string RuleArguments(const KeyRules& rules) {
  std::string text;
  for (const std::string& prefix : rules.prefixes) text += " --prefix " + ShellQuoted(prefix);
  for (const KeyRename& rule : rules.rename) text += " --rename " + ShellQuoted(rule.pattern + "=" + rule.replacement);
  if (!rules.only.empty()) text += " --only " + ShellQuoted(rules.only);
  if (!rules.skip.empty()) text += " --skip " + ShellQuoted(rules.skip);
  return text;
}

}  // namespace loadpath
