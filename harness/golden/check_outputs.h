#ifndef LOADPATH_HARNESS_GOLDEN_CHECK_OUTPUTS_H_
#define LOADPATH_HARNESS_GOLDEN_CHECK_OUTPUTS_H_

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/golden/compare.h"

namespace loadpath {

/// A wrong answer: what() says which and by how much.
class WrongAnswer : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs a model forward once.
using Forward = std::function<std::vector<at::Tensor>(std::span<const at::Tensor> inputs)>;

/// Compares the outputs of the golden inputs of `batch` with Python's, by the manifest's tolerance. Returns one
/// sentence an output: "no difference", "largest difference 3.1e-07 at (0, 5), allowed …". Throws WrongAnswer, which
/// names the output, the batch and the difference.
std::vector<std::string> CompareOutputs(std::span<const at::Tensor> outputs, const Golden& golden,
                                        const ManifestModel& model, std::int64_t batch);

/// Runs the golden inputs of `batch` on `device` and compares the outputs as CompareOutputs does. Throws
/// std::runtime_error if there is no such golden.
std::vector<std::string> CheckOutputs(const Forward& forward, const Manifest& manifest, const ManifestModel& model,
                                      std::int64_t batch, at::Device device);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_GOLDEN_CHECK_OUTPUTS_H_
