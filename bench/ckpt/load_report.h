#ifndef LOADPATH_BENCH_CKPT_LOAD_H_
#define LOADPATH_BENCH_CKPT_LOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "bench/ckpt/options.h"

namespace loadpath::ckpt {

/// What one `ckpt load` did.
struct LoadRecord {
  std::string file, model, path, device, key;
  std::uint64_t bytes = 0;  ///< of tensors that are now in the module
  struct {
    double construct = 0, open = 0, parse = 0, load = 0, first_forward = 0;
  } seconds;
  std::uint64_t peak_extra_bytes = 0, minor_faults = 0,
                major_faults = 0;  ///< until loaded; the forward pass is not in it
  std::vector<std::string> missing_keys, unexpected_keys, warnings;
  std::string fallback;
  std::vector<std::string> errors;  ///< PyTorch's lines where it refuses, or what the check found
  std::string refusal;              ///< PyTorch's whole text, empty where it does not refuse
  std::vector<std::string> hints;   ///< likely causes of a refusal
  std::string check;                ///< how the answer was checked, in a sentence
};

/// Constructs, loads, runs once and checks. Throws CheckpointError or UsageError for bad input; a refusal or a wrong
/// answer is in the record's `errors`.
LoadRecord RunLoad(const LoadOptions& options);

/// The record as text or, with --json, as DESIGN.md's object.
std::string Report(const LoadRecord& record, bool json);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_LOAD_H_
