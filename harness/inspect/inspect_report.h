#ifndef LOADPATH_BENCH_CKPT_INSPECT_H_
#define LOADPATH_BENCH_CKPT_INSPECT_H_

#include <string>

#include "bench/ckpt/options.h"

namespace loadpath::ckpt {

/// What `ckpt inspect` prints. Throws CheckpointError.
std::string Inspect(const InspectOptions& options);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_INSPECT_H_
