#ifndef LOADPATH_BENCH_CKPT_LOAD_REPORT_H_
#define LOADPATH_BENCH_CKPT_LOAD_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

namespace loadpath::ckpt {

/// What one `ckpt load` did.
struct LoadRecord {
  std::string file, model, path, device, key;
  std::uint64_t bytes = 0;  ///< of tensors that are now in the module
  struct {
    double construct = 0, open = 0, parse = 0, load = 0, first_forward = 0;
  } seconds;
  // Until the module was loaded, without the forward pass.
  std::uint64_t peak_extra_bytes = 0, minor_faults = 0, major_faults = 0;
  std::vector<std::string> missing_keys, unexpected_keys, warnings;
  std::string fallback;             ///< LoadResult::fallback
  std::vector<std::string> errors;  ///< PyTorch's lines if it refuses, or what the check found
  std::string refusal;              ///< PyTorch's whole text, empty if it does not refuse
  std::vector<std::string> hints;   ///< likely causes of a refusal, or of nothing having been loaded
  std::string check;                ///< how the answer was checked, in a sentence
};

/// Returns the report for people; an empty text for a refusal, which goes to standard error.
std::string LoadText(const LoadRecord& record);

/// Returns the JSON that DESIGN.md gives for `ckpt load --json`.
std::string LoadJson(const LoadRecord& record);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_LOAD_REPORT_H_
