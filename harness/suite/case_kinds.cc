#include "harness/suite/case_kinds.h"

#include <algorithm>
#include <stdexcept>

namespace loadpath {
namespace {

constexpr CaseKindRow kRows[] = {
    {.kind = CaseKind::kLimit,
     .form = "limit/[MODEL/FORMAT/LAYOUT/]KIND[/threads:N]",
     .summary = "what this machine can do",
     .list = ListLimits,
     .make = MakeLimitRun,
     .samples_in_a_row = 1,
     .only_if_asked = false},
    {.kind = CaseKind::kLoad,
     .form = "load/MODEL/FORMAT/LAYOUT/PATH/DEVICE/CACHE",
     .summary = "a checkpoint into a new module, in a loop",
     .list = ListLoads,
     .make = MakeLoadRun,
     .samples_in_a_row = 1,
     .only_if_asked = false},
    {.kind = CaseKind::kForward,
     .form = "forward/MODEL/DEVICE/batch:N/WAY",
     .summary = "a forward pass by module, torchscript or aoti",
     .list = ListForwards,
     .make = MakeForwardRun,
     .samples_in_a_row = 10,
     .only_if_asked = false},
    {.kind = CaseKind::kStartup,
     .form = "startup/MODEL/FORMAT/LAYOUT/PATH/DEVICE/CACHE",
     .summary = "a new process each, up to the first output",
     .list = ListStartups,
     .make = MakeStartupRun,
     .samples_in_a_row = 1,
     .only_if_asked = true},
};
static_assert(std::size(kRows) == kNames<CaseKind>.size(), "every CaseKind needs a row");

}  // namespace

std::span<const CaseKindRow> CaseKindRows() { return kRows; }

const CaseKindRow& RowOf(CaseKind kind) {
  const auto found = std::ranges::find(kRows, kind, &CaseKindRow::kind);
  if (found == std::end(kRows)) throw std::logic_error("a kind of case without a row in CaseKindRows()");
  return *found;
}

std::unique_ptr<Run> MakeRun(const Case& one, Session& session) { return RowOf(one.kind).make(one, session); }

}  // namespace loadpath
