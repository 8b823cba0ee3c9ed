#ifndef LOADPATH_HARNESS_SUITE_CASES_FORWARD_WAYS_H_
#define LOADPATH_HARNESS_SUITE_CASES_FORWARD_WAYS_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/golden/check_outputs.h"
#include "harness/results/sample.h"
#include "harness/suite/session.h"

namespace loadpath {

/// A model that is ready to run forward on golden inputs.
class ForwardSubject {
 public:
  virtual ~ForwardSubject() = default;
  /// Runs it once, by so many threads. With `outputs`, hands them over, outside the clock.
  virtual Sample Pass(int threads, std::vector<at::Tensor>* outputs) = 0;
};

/// What a subject is opened for.
struct ForwardRequest {
  const std::string& model;
  std::int64_t batch;
  at::Device device;
  std::span<const at::Tensor> inputs;  ///< on the CPU; they live as long as the subject
};

/// One way to run a model forward.
struct ForwardWay {
  std::string_view name;
  std::string_view summary;
  bool (*exists)(std::string_view model);  ///< whether the reference data are made for it
  bool by_threads;                         ///< whether it is measured with one thread, too
  /// Opens the model's reference data and checks its weights against the manifest's hashes. Throws Skipped or
  /// WrongAnswer.
  std::unique_ptr<ForwardSubject> (*open)(const ForwardRequest& request, Session& session);
};
std::span<const ForwardWay> ForwardWays();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_CASES_FORWARD_WAYS_H_
