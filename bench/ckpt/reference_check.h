#ifndef LOADPATH_BENCH_CKPT_REFERENCE_CHECK_H_
#define LOADPATH_BENCH_CKPT_REFERENCE_CHECK_H_

#include "bench/ckpt/load_report.h"
#include "bench/ckpt/model_runs.h"
#include "loadpath/model.h"
#include "loadpath/state_dict.h"

namespace loadpath::ckpt {

/// Compares the loaded parameters bit by bit, and the module's outputs by the manifest's tolerance, with the reference
/// data: if the file is one of the reference files, or its state dict holds the same tensors as they do, by SHA-256.
/// Any other file has nothing to be compared with, which is not an error. Fills record.check and record.errors. Throws
/// UsageError if there is no reference data in the folder that --data names.
void CheckAgainstReference(LoadRecord& record, const LoadOptions& options, const StateDict& state_dict,
                           const Model& model, torch::nn::Module& module, at::Device device);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_REFERENCE_CHECK_H_
