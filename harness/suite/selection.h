#ifndef LOADPATH_HARNESS_SUITE_SELECTION_H_
#define LOADPATH_HARNESS_SUITE_SELECTION_H_

#include <span>
#include <string>
#include <vector>

#include "harness/suite/case.h"
#include "loadpath/model.h"

namespace loadpath {

/// Returns the cases whose name has a match of the regular expression `filter`, in the catalogue's order. "-" before
/// the expression means: has none. An empty filter chooses the limits and the cases of the usual models (Model::usual)
/// among `models`; if the catalogue is that of the user's own checkpoints, it chooses all of theirs. Startup cases need
/// a filter that says "startup", or is ".". Throws UsageError if nothing matches, which says how `program` lists the
/// cases.
std::vector<Case> Select(const std::string& filter, const std::vector<Case>& catalogue,
                         const std::string& program = "bench", std::span<const Model> models = {});

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_SELECTION_H_
