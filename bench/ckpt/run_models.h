#ifndef LOADPATH_BENCH_CKPT_RUN_MODELS_H_
#define LOADPATH_BENCH_CKPT_RUN_MODELS_H_

#include <span>

#include "bench/ckpt/model_runs.h"
#include "loadpath/model.h"

namespace loadpath::ckpt {

/// `ckpt load`: constructs, loads, runs once and checks. Returns the exit code.
int RunLoad(const LoadOptions& options, std::span<const Model> models);

/// `ckpt diff FILE --model NAME`. Returns the exit code.
int RunDiffModel(const DiffModelOptions& options, std::span<const Model> models);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_RUN_MODELS_H_
