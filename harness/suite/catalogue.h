#ifndef LOADPATH_HARNESS_SUITE_CATALOG_H_
#define LOADPATH_HARNESS_SUITE_CATALOG_H_

#include <span>
#include <string>
#include <vector>

#include "harness/suite/options.h"

namespace loadpath::bench {

/// One point of the product of checkpoints, models, load paths, devices and states of the page cache. What does not
/// apply is empty.
struct Case {
  std::string kind = {};  ///< "load", "startup", "forward", "limit"
  /// path: of a forward pass, "module", "torchscript" or "aoti"; of a limit, its kind.
  std::string model = {}, format = {}, layout = {}, path = {}, device = {}, cache = {};
  int batch = 0, threads = 0;
  const UserCheckpoint* checkpoint = nullptr;  ///< of --checkpoint, into Options
  std::string Name() const;
};

/// Every case of the chosen devices and states of the page cache. Needs no data.
std::vector<Case> Catalog(const Options& options, std::span<const std::string> devices);

/// The cases that the filter chooses, in the catalog's order (startup cases only where it says "startup", or is ".");
/// without one the usual cases, or those of --checkpoint where it was given. Throws UsageError for an expression that
/// is malformed or matches nothing, with the nearest name.
std::vector<Case> Select(const Options& options, const std::vector<Case>& catalog);

/// The limits that the load cases of `chosen` are held against and that are not chosen themselves.
std::vector<Case> LimitsOf(const std::vector<Case>& chosen, const std::vector<Case>& catalog);

/// "pread", "mmap", "disk" or "h2d".
std::string LimitKind(const Case& load);

}  // namespace loadpath::bench

#endif  // LOADPATH_HARNESS_SUITE_CATALOG_H_
