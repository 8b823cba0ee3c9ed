#ifndef LOADPATH_HARNESS_SUITE_WORKER_WORKER_H_
#define LOADPATH_HARNESS_SUITE_WORKER_WORKER_H_

#include <iosfwd>
#include <span>

#include "harness/suite/options.h"
#include "loadpath/model.h"

namespace loadpath {

/// Answers requests, one JSON object a line, until one says quit or there are no more: docs/worker.md. Returns the exit
/// status. Whoever asks sets time limits; what cannot be answered is answered with {"error": "one line"}.
int RunWorker(const SuiteOptions& options, std::span<const Model> models, std::istream& requests,
              std::ostream& answers);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_WORKER_WORKER_H_
