#ifndef LOADPATH_HARNESS_RESULTS_COSTS_H_
#define LOADPATH_HARNESS_RESULTS_COSTS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/results/record.h"

namespace loadpath {

struct CaseCosts {
  /// The SHA-256 of the file that was loaded, or an empty text. PyTorch does not write the same bytes each time (the
  /// old format names storages by their addresses), so bytes_read and read_calls belong to one file, and of a load that
  /// maps all but bytes do: a tensor that lies between two elements is copied.
  std::string file{};
  ExactCosts costs{};
  bool operator==(const CaseCosts&) const = default;
};
/// By the name of the case.
using CostsByCase = std::map<std::string, CaseCosts>;

ExactCosts CostsOf(const Record& load);
/// Puts them into the record's fields.
void SetCosts(const ExactCosts& costs, Record& record);
/// Of the loads among the records that were checked and are right, without the file. Those by LibTorch's own readers,
/// which count nothing, are left out: another LibTorch may allocate otherwise.
CostsByCase CostsOf(std::span<const Record> records);

/// The text of a costs file: {"schema": 1, "loads": {"load/linear/zip/bare/direct/cpu/hot": {"file": "ab…", "costs":
/// {"bytes": 88, …}}}}
std::string CostsText(const CostsByCase& costs);
/// Throws std::runtime_error with one line that names the file and what is wrong.
CostsByCase ReadCosts(const std::string& path);

/// Returns the names of the costs that differ.
std::vector<std::string> DifferingCosts(const ExactCosts& a, const ExactCosts& b);
/// Returns "bytes_copied 0 -> 995,518,464" for each cost that differs. Without `same_file`, leaves bytes_read and
/// read_calls out, and all but bytes of a load that maps.
std::vector<std::string> CostDifferences(const ExactCosts& before, const ExactCosts& now, bool same_file = true);
/// Compares a run with a costs file. `catalogue` names every case that there is, `chosen` those that were to run.
struct CostComparison {
  std::vector<std::string> findings;  ///< one line each, with the name of the case
  std::size_t other_files = 0;        ///< cases whose file is not the one that the costs file was written with
};
CostComparison CompareCosts(const CostsByCase& before, const CostsByCase& now,
                            const std::vector<std::string>& catalogue, const std::vector<std::string>& chosen);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_RESULTS_COSTS_H_
