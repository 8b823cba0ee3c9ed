#include "harness/inspect/file_and_key.h"

#include <filesystem>
#include <system_error>

#include "harness/base/error.h"
#include "harness/base/text.h"

namespace loadpath {

FileAndKey ParseFileAndKey(const std::string& text) {
  const std::size_t colons = text.rfind("::");
  std::error_code unreadable;
  if (colons == std::string::npos || std::filesystem::exists(text, unreadable)) return {text, text, ""};
  return {text, text.substr(0, colons), text.substr(colons + 2)};
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

std::string KeyArgument(const FileAndKey& name, const std::string& key) {
  return name.HasKey() ? ShellArgument(name.file, key) : "--key " + ShellArgument(key);
}

std::string ShellArgument(const std::string& file, const std::string& key) {
  std::string argument = key.empty() ? file : file + "::" + key;
  static constexpr const char* kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:,+@%=";
  if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos) return argument;
  std::string quoted = "'";
  for (const char c : argument) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace loadpath
