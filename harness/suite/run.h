#ifndef LOADPATH_HARNESS_SUITE_RUN_H_
#define LOADPATH_HARNESS_SUITE_RUN_H_

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/golden/manifest.h"
#include "harness/load/load_path.h"
#include "harness/measure/machine_limits.h"
#include "harness/results/record.h"
#include "harness/suite/catalog.h"

namespace loadpath::bench {

/// What the cases of one run share.
struct Session {
  const Options& options;
  std::optional<Manifest> manifest;
  std::string no_manifest;  ///< why there is none
  Limits limits;

  explicit Session(const Options& options);
  /// The model's entry; throws Skipped with what to do where the reference data lacks it.
  const ManifestModel& ModelOf(const std::string& model) const;
  /// The file of a case; throws Skipped likewise, also where the manifest names it and it is gone.
  const ManifestFile& FileOf(const std::string& model, const std::string& format, const std::string& layout) const;
  /// The path of the model's compiled program; throws Skipped likewise.
  std::string ProgramOf(const std::string& model) const;
};

/// One case: checked by Verify, then sampled as often as is wanted.
class Run {
 public:
  explicit Run(const Case& which);
  virtual ~Run() = default;

  /// Runs the case once and checks every answer. Throws Skipped where it cannot run here, any other exception where it
  /// failed or an answer is wrong. Sets `estimate`.
  virtual void Verify() = 0;
  /// Runs it once and returns its seconds; notes what else it cost.
  virtual double Sample() = 0;

  const Case& which() const { return which_; }
  Record record;
  double estimate = 0;  ///< seconds of one sample

 private:
  Case which_;
};

/// Whole pickled modules need the flag for it.
OpenOptions HowToOpen(const Case& which);

/// Every file that holds something of the checkpoint `path`, which may be a folder or list others.
std::vector<std::string> FilesOf(const std::string& path, const OpenOptions& how);

std::unique_ptr<Run> MakeRun(const Case& which, Session& session);

/// A wrong answer: what() says which and by how much.
class WrongAnswer : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

using Forward = std::function<std::vector<at::Tensor>(std::span<const at::Tensor>)>;

/// Runs the model's golden inputs of `batch` and compares the outputs. Returns the difference in words. Throws
/// WrongAnswer.
std::string CheckOutputs(const Forward& forward, const std::string& model, std::int64_t batch, const Session& session,
                         at::Device device);
/// The same of a module, which is put into eval mode.
std::string CheckOutputs(torch::nn::Module& module, const std::string& model, std::int64_t batch,
                         const Session& session, at::Device device);

/// The fresh process of a startup/… case: prints one line of JSON. Returns the exit status.
int RunStartupSample(const Options& options);

std::unique_ptr<Run> MakeLoadRun(const Case& which, Session& session);
std::unique_ptr<Run> MakeForwardRun(const Case& which, Session& session);
std::unique_ptr<Run> MakeLimitRun(const Case& which, Session& session);
std::unique_ptr<Run> MakeStartupRun(const Case& which, Session& session);

}  // namespace loadpath::bench

#endif  // LOADPATH_HARNESS_SUITE_RUN_H_
