#ifndef LOADPATH_HARNESS_INSPECT_FILE_AND_KEY_H_
#define LOADPATH_HARNESS_INSPECT_FILE_AND_KEY_H_

#include <string>

namespace loadpath {

/// A checkpoint as a command line names it: FILE or FILE::key.path.
struct FileAndKey {
  std::string text;  ///< as it was given
  std::string file;
  std::string key;  ///< the key path, empty for the whole file
};

/// Splits FILE::key.path at its last "::". A name that exists as it is, "::" included, is a file without a key.
/// `default_key` is the key path of a name that gives none.
FileAndKey ParseFileAndKey(const std::string& text, const std::string& default_key = {});

/// Returns "FILE::key.path", or "FILE" if `key` is empty, quoted for a POSIX shell if it needs that.
std::string ShellArgument(const std::string& file, const std::string& key = {});

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_FILE_AND_KEY_H_
