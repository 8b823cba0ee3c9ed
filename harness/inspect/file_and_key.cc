#include "harness/inspect/file_and_key.h"

#include <filesystem>
#include <system_error>

namespace loadpath {

FileAndKey ParseFileAndKey(const std::string& text, const std::string& default_key) {
  const std::size_t colons = text.rfind("::");
  std::error_code unreadable;
  if (colons == std::string::npos || std::filesystem::exists(text, unreadable)) return {text, text, default_key};
  return {text, text.substr(0, colons), text.substr(colons + 2)};
}

std::string ShellArgument(const std::string& file, const std::string& key) {
  const std::string argument = key.empty() ? file : file + "::" + key;
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
