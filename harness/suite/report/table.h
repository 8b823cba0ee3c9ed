#ifndef LOADPATH_HARNESS_SUITE_REPORT_TABLE_H_
#define LOADPATH_HARNESS_SUITE_REPORT_TABLE_H_

#include <span>
#include <string>

#include "harness/results/record.h"

namespace loadpath {

inline constexpr std::size_t kTableWidth = 100;

struct TableOptions {
  std::size_t width = kTableWidth;
  bool verbose = false;  ///< a line for every case that was skipped
};

/// One line a case in sections ("load/gpt2/zip/nested", then a line "direct/cpu/hot" for each, the fastest first), a
/// head that says what the columns mean, and a foot with a summary in words, notes, machine, versions and date. Cases
/// that were skipped stand in one line a reason. Columns without a value are left out. So are columns for which the
/// width is too small, the percentiles first; the foot then names them. Reasons are cut off after a few lines, as the
/// foot says: the JSON has them whole.
std::string TableText(std::span<const Record> records, const Context& context, const RunNotes& notes = {},
                      const TableOptions& options = {});

/// Three significant digits with a unit: "1.23 ms".
std::string TimeText(double ns);

/// What was compared: "tensors", or "outputs" if these were too, with "+crc" if every checksum was checked too and
/// "+some crc" if only some were; "" if nothing was.
std::string CheckedText(const Record& record);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_REPORT_TABLE_H_
