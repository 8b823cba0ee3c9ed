#ifndef LOADPATH_HARNESS_SUITE_CASE_KINDS_H_
#define LOADPATH_HARNESS_SUITE_CASE_KINDS_H_

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "harness/suite/catalogue.h"
#include "harness/suite/run.h"

namespace loadpath {

/// One kind of case. A new kind is a file in cases/, a value of CaseKind, and a row here.
struct CaseKindRow {
  CaseKind kind;
  std::string_view form;     ///< of its cases' names: "load/MODEL/FORMAT/LAYOUT/PATH/DEVICE/CACHE"
  std::string_view summary;  ///< what one sample is, for --help
  void (*list)(const CatalogueRequest&, std::vector<Case>&);
  std::unique_ptr<Run> (*make)(const Case&, Session&);
  int samples_in_a_row;  ///< in each of its turns
  bool only_if_asked;    ///< chosen only by a filter that contains the kind's name, or by "."
};

/// In the order in which their cases are listed. Every CaseKind has exactly one row.
std::span<const CaseKindRow> CaseKindRows();
/// Throws std::logic_error for a kind without a row.
const CaseKindRow& RowOf(CaseKind kind);
std::unique_ptr<Run> MakeRun(const Case& one, Session& session);

// The rows' functions, one file in cases/ each.
void ListLimits(const CatalogueRequest& request, std::vector<Case>& all);
void ListLoads(const CatalogueRequest& request, std::vector<Case>& all);
void ListForwards(const CatalogueRequest& request, std::vector<Case>& all);
void ListStartups(const CatalogueRequest& request, std::vector<Case>& all);
std::unique_ptr<Run> MakeLimitRun(const Case& one, Session& session);
/// A limit of this kind at the size and in the files of a load: it takes part in the rounds, so that each load has it
/// beside itself. 0 threads: as many as are fastest.
std::unique_ptr<Run> MakeLimitBeside(const Case& load, const std::string& kind, int threads,
                                     const std::vector<std::string>& files, Session& session);
std::unique_ptr<Run> MakeLoadRun(const Case& one, Session& session);
std::unique_ptr<Run> MakeForwardRun(const Case& one, Session& session);
std::unique_ptr<Run> MakeStartupRun(const Case& one, Session& session);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_CASE_KINDS_H_
