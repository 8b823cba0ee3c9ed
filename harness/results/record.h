#ifndef LOADPATH_HARNESS_RESULTS_RECORD_H_
#define LOADPATH_HARNESS_RESULTS_RECORD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/results/names.h"
#include "harness/results/sample.h"

namespace loadpath {

/// What is known of one case. fields.def lists the members: their types, their names in the JSON and what they mean.
/// A member that does not apply is empty and is not written. Times are in nanoseconds, sizes in bytes.
struct Record {
  using Text = std::string;
  using Flag = bool;
  using Count = std::optional<std::uint64_t>;
  using Number = std::optional<double>;
  using Device = std::optional<DeviceName>;
  using Cache = std::optional<CacheState>;
  using Memory = std::optional<MemoryState>;
  using Counts = std::map<std::string, std::uint64_t>;
  using Samples = std::vector<Sample>;  ///< in the order in which they were taken
  using Names = std::vector<std::string>;

#define LOADPATH_FIELD(type, name, required, description) type name{};
#define LOADPATH_FIELD_AS(type, member, name, required, description) type member{};
#define LOADPATH_DERIVED(type, name, function, required, description)
#include "harness/results/fields.def"
#undef LOADPATH_FIELD
#undef LOADPATH_FIELD_AS
#undef LOADPATH_DERIVED

  std::string group{}, label{};  ///< the two halves of the name, for tables; not written
};

/// Of every sample, in their order.
std::vector<std::int64_t> WallNs(const Record& record);
std::vector<std::int64_t> CpuNs(const Record& record);
/// Of a case that has several samples in each of its turns, the time of the first in each; empty for others.
std::vector<std::int64_t> FirstOfTurns(const Record& record);
/// The median over the samples, of each phase that one of them has.
std::map<std::string, std::int64_t> PhaseMedians(const Record& record);
/// The median over the samples that have it; nullopt if none has.
std::optional<std::uint64_t> MedianCount(const Record& record, std::optional<std::uint64_t> Sample::*peak);
/// nullopt if no sample has it.
std::optional<double> GreatestResidencyBefore(const Record& record);

/// Facts about a run by name: machine, versions, command.
using Context = std::vector<std::pair<std::string, std::string>>;

/// A cache of the processor, as Google Benchmark's context has it.
struct CpuCache {
  std::string type;  ///< "Data", "Instruction", "Unified"
  int level = 0, size = 0, num_sharing = 0;
};

/// What a reader of the results must know of the run.
struct RunNotes {
  bool interrupted = false;                ///< what was measured until then is there
  bool memory_was_returned = false;        ///< the host of this virtual machine takes free memory back
  std::vector<std::string> warnings = {};  ///< one line each: what makes the times worth less
  std::vector<CpuCache> caches = {};       ///< tools that read Google Benchmark's JSON want them in its context
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_RESULTS_RECORD_H_
