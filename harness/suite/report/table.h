#ifndef LOADPATH_HARNESS_SUITE_TABLE_H_
#define LOADPATH_HARNESS_SUITE_TABLE_H_

#include <span>
#include <string>

#include "harness/results/record.h"

namespace loadpath::bench {

/// One aligned line a case, a head that says what the columns mean, and a foot with machine, versions and date.
std::string Table(std::span<const Record> records, const Context& context);

/// Three significant digits with a unit: "1.23 ms", "45.6 MiB", "7.89 GB/s".
std::string TimeText(double ns);
std::string SizeText(double bytes);

/// What became of the checksums in a word or two: "yes+crc", "yes", "no".
std::string CheckedText(const Record& record);

}  // namespace loadpath::bench

#endif  // LOADPATH_HARNESS_SUITE_TABLE_H_
