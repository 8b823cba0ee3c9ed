#ifndef LOADPATH_HARNESS_SUITE_CASES_FORWARD_WAYS_H_
#define LOADPATH_HARNESS_SUITE_CASES_FORWARD_WAYS_H_

#include <span>
#include <string>
#include <string_view>

#include "harness/golden/check_outputs.h"
#include "harness/suite/session.h"

namespace loadpath {

/// One way to run a model forward: as a C++ module, by TorchScript's interpreter, or as an AOTInductor package.
struct ForwardWay {
  std::string_view name;
  bool (*exists)(std::string_view model);  ///< whether the reference data are made for it
  /// Opens the model's reference data and checks its weights against the manifest's hashes. Throws Skipped or
  /// WrongAnswer.
  Forward (*open)(const std::string& model, const Session& session, at::Device device);
};
std::span<const ForwardWay> ForwardWays();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_CASES_FORWARD_WAYS_H_
