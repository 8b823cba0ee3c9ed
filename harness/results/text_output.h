#ifndef LOADPATH_HARNESS_RESULTS_TEXT_OUTPUT_H_
#define LOADPATH_HARNESS_RESULTS_TEXT_OUTPUT_H_

#include <optional>
#include <string>
#include <string_view>

#include "harness/base/new_file.h"

namespace loadpath {

/// Takes one text into a NewFile. What has the name already and is no regular file (a pipe, a terminal, a device), or
/// is standard output, is written in place. Throws CheckpointError kIo with one line that names `path`.
class TextOutput {
 public:
  /// Throws already if the text could not be written: the folder is not there, the disk is full, …
  explicit TextOutput(std::string path);
  ~TextOutput();
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;

  void Write(std::string_view text);

 private:
  std::string path_;
  std::optional<NewFile> file_;
  int fd_ = -1;  // if it is written in place
};

/// Throws CheckpointError kIo if a program that opens `path` and writes could not: the folder is not there, the disk is
/// full, … Makes the file if it is not there. A pipe is not tried, because its reader would take that for the end.
void RequireWritable(const std::string& path);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_RESULTS_TEXT_OUTPUT_H_
