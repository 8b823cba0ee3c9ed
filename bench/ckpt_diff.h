#ifndef LOADPATH_BENCH_CKPT_DIFF_H_
#define LOADPATH_BENCH_CKPT_DIFF_H_

#include <cstdint>
#include <string>
#include <vector>

#include "bench/ckpt_causes.h"
#include "bench/ckpt_options.h"

namespace loadpath::ckpt {

/// A tensor that both sides have under one key and one shape and dtype, with other bytes.
struct TensorDifference {
  std::string key;
  std::uint64_t elements = 0, differing = 0;
  std::int64_t first = 0;       ///< the first that differs, counted in row-major order
  double largest = 0;           ///< the largest difference of two numbers; 0 where only NaNs or the sign of 0 differ
};

struct Mismatch {
  std::string key, wanted, have;
};

/// What a comparison found. `wanted` is the model, or the first file; `have` the file, or the second one.
struct Differences {
  std::string wanted_name, have_name;
  std::uint64_t compared = 0;   ///< keys that both have
  std::vector<std::string> missing, unexpected;
  std::vector<Mismatch> shapes, dtypes, values;
  std::vector<TensorDifference> tensors;
  std::vector<std::string> causes;
  bool equal() const {
    return missing.empty() && unexpected.empty() && shapes.empty() && dtypes.empty() && values.empty() && tensors.empty();
  }
};

/// Keys, shapes and dtypes.
Differences CompareKeys(const KeySets& sets);

struct DiffOutcome {
  bool equal = false;
  std::string text;   ///< for standard output
};

/// As text or as JSON: {"wanted", "have", "equal", "compared", "missing", "unexpected", "shapes": [{"key", "wanted",
/// "have"}], "dtypes": …, "tensors": [{"key", "elements", "differing", "first", "largest"}], "values": [{"path", "wanted",
/// "have"}], "causes"}.
DiffOutcome Report(const Differences& differences, bool json);

/// `ckpt diff FILE OTHER`. Throws CheckpointError.
DiffOutcome DiffFiles(const DiffOptions& options);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_DIFF_H_
