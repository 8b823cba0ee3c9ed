#ifndef LOADPATH_HARNESS_SUITE_WORKER_PROTOCOL_H_
#define LOADPATH_HARNESS_SUITE_WORKER_PROTOCOL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/results/names.h"
#include "harness/results/sample.h"
#include "harness/suite/case.h"

namespace loadpath {

/// The language of `--worker`: one JSON object a line, docs/worker.md.
inline constexpr int kWorkerVersion = 1;

/// What a worker answers when it is asked for samples.
struct WorkerSamples {
  std::string name;  ///< of the case
  Status status = Status::kOk;
  std::string reason = {};  ///< of another status
  std::vector<Sample> samples = {};
  std::optional<Sample> first = {};  ///< the load that verified the case, if it was verified for this answer
  std::uint64_t dropped = 0;         ///< samples that are not among them: not as hot, cold or backed as the case says
  std::uint64_t bytes = 0;           ///< as the field of the results
  std::string difference = {};       ///< likewise
};

/// Asks for the one sample of a startup case that the process was started for.
std::string StartRequest(const Case& one, std::int64_t started_at);

std::string ToLine(const WorkerSamples& samples);
/// Throws std::runtime_error with one line: the answer is an error, or not in this language.
WorkerSamples ParseSamples(std::string_view line);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_WORKER_PROTOCOL_H_
