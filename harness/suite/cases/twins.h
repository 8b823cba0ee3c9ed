#ifndef LOADPATH_HARNESS_SUITE_CASES_TWINS_H_
#define LOADPATH_HARNESS_SUITE_CASES_TWINS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/measure/fresh_process.h"
#include "harness/results/sample.h"
#include "loadpath/python_twins.h"

namespace loadpath {

/// A Python process that runs twins forward, in eager PyTorch: scripts/loadpath/eager says what is asked and answered.
class TwinProcess {
 public:
  /// Throws Skipped if there is no such interpreter.
  explicit TwinProcess(const PythonTwins& twins);

  /// A twin with the weights that lie under a key of a file, and golden inputs, on a device.
  struct Subject {
    std::string model, weights, key, golden, device;
    bool operator==(const Subject&) const = default;
  };
  /// Builds the twin if it is not there yet. Returns the SHA-256 of each tensor of its state dict, by name. Throws
  /// Skipped if Python lacks a package.
  std::map<std::string, std::string> Open(const Subject& subject);
  /// What Python finds in a file: a tensor's dtype, shape and SHA-256 over its elements, by name.
  struct Described {
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::string sha256;
  };
  /// Throws Skipped if Python cannot read the file, with its reason.
  const std::map<std::string, Described>& Describe(const std::string& file, const std::string& key);
  /// Runs the subject forward once and returns what it cost. With `outputs`, hands them over afterwards.
  Sample Pass(const Subject& subject, int threads, std::vector<at::Tensor>* outputs);

  /// Returns true if the process has ended, or did not answer.
  bool ended() const { return ended_; }

 private:
  nlohmann::json Ask(const nlohmann::json& request);

  FreshProcess process_;
  bool ended_ = false;
  Subject opened_;
  std::map<std::pair<std::string, std::string>, std::map<std::string, Described>> described_;  // by file and key
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_CASES_TWINS_H_
