#ifndef LOADPATH_HARNESS_RESULTS_RECORD_H_
#define LOADPATH_HARNESS_RESULTS_RECORD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace loadpath {

/// What is known of one case: results/schema.json describes the JSON form. Fields that do not apply stay empty and are
/// left out. Times in nanoseconds, sizes in bytes.
struct Record {
  std::string name = {};  ///< for people; a series is keyed by the fields below
  std::string kind = {};  ///< "load", "forward", "startup", "limit": the JSON field `case`
  std::string model = {}, format = {}, layout = {}, path = {}, device = {}, cache = {};
  std::optional<std::int64_t> batch = {}, threads = {};
  std::string status = "ok";  ///< "ok", "skipped", "error"
  std::string reason = {};    ///< of a status that is not ok

  std::vector<std::int64_t> samples_ns = {};  ///< all of them, in the order in which they were taken
  std::map<std::string, std::vector<std::int64_t>> phases_ns = {};  ///< per sample; written as medians

  std::optional<std::uint64_t> bytes = {};  ///< of tensors loaded; of data moved, for a limit
  std::optional<std::uint64_t> bytes_read = {}, bytes_copied = {}, bytes_mapped = {}, read_calls = {};
  std::optional<std::uint64_t> allocations = {}, bytes_allocated = {};  ///< of tensors, on the CPU
  std::vector<std::int64_t> minor_faults = {}, major_faults = {};       ///< per sample; written as medians
  std::optional<std::uint64_t> peak_extra_bytes = {};                   ///< anonymous memory beyond the parameters
  std::optional<double> part_of_limit = {};
  std::string limit = {};  ///< the limit case that it is a part of: "pread/threads:2"
  std::optional<double> items_per_second = {};

  bool checked = false;                           ///< every loaded tensor and the outputs were compared and equal
  std::string difference = {};                    ///< the outputs' largest difference from the golden, in words
  std::map<std::string, std::uint64_t> crc = {};  ///< storages by what became of their checksum
  std::optional<std::uint64_t> tensors_fallen_back = {};
  std::string fallback = {};
  std::optional<double> greatest_residency =
      {};  ///< cold: the greatest part of the file in the page cache before a sample
};

/// Context of a run, by name: machine, versions, command.
using Context = std::vector<std::pair<std::string, std::string>>;

/// Google Benchmark's JSON shape (`context`, `benchmarks`) with our fields, to a temporary file beside it and renamed.
/// Throws std::runtime_error with one line that names the file. Non-finite numbers are never written.
void WriteResults(const std::string& file, const Context& context, std::span<const Record> records);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_RESULTS_RECORD_H_
