#ifndef LOADPATH_HARNESS_INSPECT_FILE_AND_KEY_H_
#define LOADPATH_HARNESS_INSPECT_FILE_AND_KEY_H_

#include <span>
#include <string>

#include "loadpath/key_rules.h"

namespace loadpath {

/// A checkpoint as a command line names it: FILE or FILE::key.path.
struct FileAndKey {
  std::string text;  ///< as it was given
  std::string file;
  std::string key;  ///< the key path, empty for the whole file

  /// Returns true if `text` gives a key path, "FILE::" included.
  bool HasKey() const { return text != file; }
};

/// Splits FILE::key.path at the first "::" that a file's name stands before, or at the first one if there is no such
/// file. A name that exists as it is, "::" included, is a file without a key.
FileAndKey ParseFileAndKey(const std::string& text);

/// Gives `key`, the value of --key, to a name that gives no key path. Throws UsageError if it gives one.
FileAndKey WithKey(FileAndKey name, const std::string& key);

/// Joins the elements of a path by dots, as FollowKeyPath takes it apart.
std::string KeyPath(std::span<const std::string> elements);

/// Returns how a command line names another key path in the same way as this one: "--key other", or "FILE::other";
/// quoted as ShellArgument does.
std::string KeyArgument(const FileAndKey& name, const std::string& key);

/// Returns "FILE::key.path", or "FILE" if `key` is empty, quoted for a POSIX shell if it needs that. What cannot be
/// printed is written as $'\x1b', which bash, zsh and ksh take.
std::string ShellArgument(const std::string& file, const std::string& key = {});

/// Returns the text, quoted in the same way.
std::string ShellQuoted(const std::string& text);

/// Returns the options of a command line that give these rules: " --prefix module. --rename '^a\.=b.'".
std::string RuleArguments(const KeyRules& rules);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_FILE_AND_KEY_H_
