#ifndef LOADPATH_HARNESS_SUITE_REPORT_TABLE_NOTES_H_
#define LOADPATH_HARNESS_SUITE_REPORT_TABLE_NOTES_H_

#include <span>
#include <string>
#include <vector>

#include "harness/results/record.h"

namespace loadpath {

// What stands in and below the table beside the figures.

/// Reasons why a case has no time. They may be long: LibTorch's have code in them, and a state dict may lack a thousand
/// keys.
class Reasons {
 public:
  explicit Reasons(std::size_t width) : width_(width) {}

  /// Returns the lines of the reason, of which the first begins with `head` and the others with `indent`. What is
  /// longer than a few lines is cut off.
  std::string Text(const std::string& head, const std::string& reason, const std::string& indent);
  bool cut() const { return cut_; }  ///< true if one was cut off so far

 private:
  std::size_t width_;
  bool cut_ = false;
};

/// Returns a line for each reason why cases were skipped, with their number and load paths: "skipped 12 (jit_load): …".
std::string SkippedText(std::span<const Record> records, Reasons& reasons);

/// Returns the summary in words: of each model, the fastest load, and the fastest into memory of its own; what is
/// wrong; whether the machine was quiet.
std::string SummaryText(std::span<const Record> records, const RunNotes& notes, std::size_t width);

/// Returns what must be known to read the table, a sentence each, and a blank line behind them; an empty text if
/// nothing must. `left_out`: the sentence about columns. `cut`: a reason was cut off.
std::string NotesText(const RunNotes& notes, const std::string& left_out, bool cut, std::size_t width);

/// Returns the last lines: machine, versions and date.
std::string MachineText(const Context& context, std::size_t width);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_REPORT_TABLE_NOTES_H_
