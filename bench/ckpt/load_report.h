#ifndef LOADPATH_BENCH_CKPT_LOAD_REPORT_H_
#define LOADPATH_BENCH_CKPT_LOAD_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

namespace loadpath::ckpt {

/// What one `ckpt load` did.
struct LoadRecord {
  std::string file, model, path, device, key;
  std::uint64_t bytes = 0;         ///< of the tensors that were loaded, as the file holds them
  std::uint64_t bytes_mapped = 0;  ///< LoadResult::bytes_mapped
  struct {
    double construct = 0, open = 0, parse = 0, load = 0, first_forward = 0;
  } seconds;
  // Until the module was loaded, without the forward pass.
  std::uint64_t peak_extra_bytes = 0, minor_faults = 0, major_faults = 0;
  double cpu_seconds = 0;  ///< of all threads, user and system
  std::vector<std::string> missing_keys, unexpected_keys, warnings;
  std::vector<std::string> mismatched;     ///< PyTorch's sentence for each tensor of another shape that was skipped
  std::vector<std::string> left_out;       ///< the model's keys that --only or --skip left out
  std::size_t left_out_of_file = 0;        ///< and how many keys of the file
  std::vector<std::string> missing_notes;  ///< of each missing key: what its tensor holds now
  std::string fallback;                    ///< LoadResult::fallback
  std::string choice;                      ///< LoadResult::choice
  std::vector<std::string> errors;         ///< PyTorch's lines if it refuses, or what the check found
  std::string refusal;                     ///< PyTorch's whole text, empty if it does not refuse
  std::vector<std::string> hints;          ///< likely causes of a refusal, or of nothing having been loaded
  std::string check;                       ///< how the answer was checked, in a sentence
  std::string output;                      ///< the file that the outputs were written to
  std::size_t outputs = 0;
};

/// Returns the report for people; an empty text for a refusal, which goes to standard error.
std::string LoadText(const LoadRecord& record);

/// Returns the JSON of `ckpt load --json`: {"file", "model", "path", "device", "key", "bytes", "bytes_mapped",
/// "phases": {"construct", "open", "parse", "load", "first_forward"} in seconds, "cpu_seconds" (construct to load, all
/// threads), "peak_extra_bytes", "minor_faults", "major_faults", "missing_keys", "unexpected_keys", "mismatched",
/// "left_out" (the model's keys), "errors", "warnings", "hints", "fallback", "choice" (of auto), "check"}.
std::string LoadJson(const LoadRecord& record);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_LOAD_REPORT_H_
