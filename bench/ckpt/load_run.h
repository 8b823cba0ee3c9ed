#ifndef LOADPATH_BENCH_CKPT_LOAD_RUN_H_
#define LOADPATH_BENCH_CKPT_LOAD_RUN_H_

#include "bench/ckpt/load_report.h"
#include "bench/ckpt/run_models.h"
#include "harness/load/load_path.h"
#include "loadpath/model.h"

namespace loadpath::ckpt {

/// Constructs the model, loads the file into it by `path`, runs it once, writes --output and compares with the
/// reference data. A refusal and a wrong answer are in the record's `errors`. Throws CheckpointError or UsageError for
/// bad input. `models` are those that a hint may name.
LoadRecord Load(std::span<const Model> models, const Model& model, const LoadPath& path, at::Device device,
                const LoadOptions& options);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_LOAD_RUN_H_
