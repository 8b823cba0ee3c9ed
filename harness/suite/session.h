#ifndef LOADPATH_HARNESS_SUITE_SESSION_H_
#define LOADPATH_HARNESS_SUITE_SESSION_H_

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/golden/manifest.h"
#include "harness/load/load_path.h"
#include "harness/measure/machine_limits.h"
#include "loadpath/model.h"
#include "loadpath/python_twins.h"

namespace loadpath {

class TwinProcess;

/// The reference data of a case are not there: it is skipped, though it is expected to run.
class MissingData : public Skipped {
 public:
  using Skipped::Skipped;
};

/// PyTorch cannot make the file of a case from this model: what() is its reason.
class NotMade : public Skipped {
 public:
  using Skipped::Skipped;
};

/// A file of the user's own is not a checkpoint, or is damaged: what() names it.
class BadInput : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What the cases of one run share.
class Session {
 public:
  /// `make_data` is what a message about missing data ends with.
  Session(std::span<const Model> models, std::string data, bool quick, std::string make_data = "scripts/bench makes it",
          PythonTwins python = {});
  ~Session();

  std::span<const Model> models() const { return models_; }
  const std::string& data() const { return data_; }
  const std::string& make_data() const { return make_data_; }
  /// The process that runs the models' Python twins; started when first asked for. Throws Skipped.
  TwinProcess& twins();
  /// Where the cases that run a module forward share it, by model and device.
  std::weak_ptr<torch::nn::Module>& ModuleOn(const std::string& model, at::Device device) {
    return modules_[model + "/" + device.str()];
  }
  Limits& limits() { return limits_; }
  /// The loops over these files, made once.
  Limits& LimitsOf(const std::vector<std::string>& files);

  const Model& FindModel(const std::string& name) const;  ///< throws Skipped if it is not in this program

  /// These throw MissingData, with what to do, if the reference data lack it, or if its file is gone; NotMade if the
  /// manifest says why there is no such file.
  const Manifest& manifest() const;
  const ManifestModel& ModelOf(const std::string& model) const;
  const ManifestFile& FileOf(const std::string& model, const std::string& format, const std::string& layout) const;
  std::string ProgramOf(const std::string& model) const;  ///< path of the model's AOTInductor package

 private:
  std::span<const Model> models_;
  std::string data_, make_data_;
  PythonTwins python_;
  std::unique_ptr<TwinProcess> twins_;
  std::optional<Manifest> manifest_;
  std::string why_no_manifest_;
  std::map<std::string, std::weak_ptr<torch::nn::Module>> modules_;
  Limits limits_;
  std::map<std::vector<std::string>, std::unique_ptr<Limits>> limits_of_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_SESSION_H_
