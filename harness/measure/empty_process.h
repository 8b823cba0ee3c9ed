#ifndef LOADPATH_HARNESS_MEASURE_EMPTY_PROCESS_H_
#define LOADPATH_HARNESS_MEASURE_EMPTY_PROCESS_H_

#include <cstdint>

#include "harness/measure/counters.h"

namespace loadpath {

/// What a process of this program costs that does nothing.
struct EmptyProcess {
  std::int64_t wall_ns = 0;  ///< from its start to where its first statement would be
  ProcessCounters used;      ///< up to there
};

/// Starts this program once more. It ends before the first statement of its own, initialisers included: the libraries
/// that it links have been loaded, bound and initialised by then, as an empty program that links the same ones does it.
/// Throws std::runtime_error with one line if it cannot be started or does not answer.
EmptyProcess StartEmptyProcess();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_EMPTY_PROCESS_H_
