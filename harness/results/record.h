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
  using Counts = std::map<std::string, std::uint64_t>;
  using Samples = std::vector<std::int64_t>;
  struct PerSample : std::vector<std::int64_t> {  ///< one value a sample; the JSON has their median
    using std::vector<std::int64_t>::vector;
  };
  struct Phases : std::map<std::string, std::vector<std::int64_t>> {};  ///< likewise, by phase

#define LOADPATH_FIELD(type, name, required, description) type name{};
#define LOADPATH_FIELD_AS(type, member, name, required, description) type member{};
#define LOADPATH_DERIVED(type, name, function, required, description)
#include "harness/results/fields.def"
#undef LOADPATH_FIELD
#undef LOADPATH_FIELD_AS
#undef LOADPATH_DERIVED

  std::string group{}, label{};  ///< the two halves of the name, for tables; not written
};

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
  std::vector<std::string> warnings = {};  ///< one line each: what makes the times worth less
  std::vector<CpuCache> caches = {};       ///< tools that read Google Benchmark's JSON want them in its context
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_RESULTS_RECORD_H_
