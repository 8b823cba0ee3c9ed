#ifndef LOADPATH_BENCH_CKPT_LOAD_GOLDEN_H_
#define LOADPATH_BENCH_CKPT_LOAD_GOLDEN_H_

#include "bench/ckpt/load.h"
#include "models/model.h"

namespace loadpath::ckpt {

/// Compares the loaded parameters bit by bit, and the module's outputs by the manifest's tolerance, where the file
/// stands in the manifest of the reference data: its name and its size, and the state dict's key path. Fills
/// record.check and record.errors.
void CheckAgainstReference(LoadRecord& record, const LoadOptions& options, const Model& model,
                           torch::nn::Module& module, at::Device device);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_LOAD_GOLDEN_H_
