#ifndef LOADPATH_BENCH_CKPT_DIFF_H_
#define LOADPATH_BENCH_CKPT_DIFF_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/ckpt/options.h"
#include "harness/diff/causes.h"
#include "harness/diff/tensor_difference.h"

namespace loadpath::ckpt {

struct Mismatch {
  std::string key, wanted, have;
};

/// What a comparison found. `wanted` is the model, or the first file; `have` the file, or the second one.
struct Differences {
  std::string wanted_name, have_name;
  std::optional<Tolerance> tolerance;  ///< none: bit by bit
  std::uint64_t compared = 0;          ///< keys that both have
  std::vector<std::string> missing, unexpected;
  std::vector<Mismatch> shapes, dtypes, values;
  std::vector<TensorDifference> tensors;
  std::vector<std::string> causes;
  bool equal() const {
    return missing.empty() && unexpected.empty() && shapes.empty() && dtypes.empty() && values.empty() &&
           tensors.empty();
  }
};

/// Keys, shapes and dtypes.
Differences CompareKeys(const KeySets& sets);

struct DiffOutcome {
  bool equal = false;
  std::string text;  ///< for standard output
};

/// As text or as JSON: {"wanted", "have", "equal", "compared", "missing", "unexpected", "shapes": [{"key", "wanted",
/// "have"}], "dtypes": …, "tensors": [{"key", "elements", "differing", "first", "largest", "largest_at", "relative",
/// "relative_at"}], "values": [{"path", "wanted", "have"}], "causes"}; with a tolerance also "rtol" and "atol".
DiffOutcome Report(const Differences& differences, bool json);

/// `ckpt diff FILE OTHER`. Throws CheckpointError.
DiffOutcome DiffFiles(const DiffOptions& options);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_DIFF_H_
