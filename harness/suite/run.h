#ifndef LOADPATH_HARNESS_SUITE_RUN_H_
#define LOADPATH_HARNESS_SUITE_RUN_H_

#include <exception>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/results/record.h"
#include "harness/suite/case.h"
#include "harness/suite/session.h"

namespace loadpath {

/// Returns what() whole, which may be several lines; of LibTorch's errors without the stack.
std::string ReasonOf(const std::exception& error);

/// Drops the files' pages from the page cache. Throws Skipped, with what stayed, if they cannot be made cold.
void MakeCold(std::span<const std::string> files);

/// One case: checked by Verify, then sampled as often as is wanted.
class Run {
 public:
  explicit Run(const Case& one);
  virtual ~Run() = default;

  /// Runs the case once and checks every answer. Throws Skipped if it cannot run here, BadInput for a file of the
  /// user's own that is not a checkpoint, and any other exception if it failed or an answer is wrong.
  virtual void Verify() = 0;
  /// Runs it once and returns what it cost. With `check`, the answer of this very sample is compared, outside the
  /// clock; throws if it is wrong; throws NotAsWanted if its files do not get as
  /// hot as the case says.
  virtual Sample TakeSample(bool check) = 0;
  /// Puts a sample into the record, or only counts it if the files were not as cold or hot, or memory not as
  /// the case says.
  void Keep(Sample sample);

  /// What a verified load is held against: the kind of limit, its threads, and the files that it reads at their size.
  struct WantedLimit {
    std::string kind;
    int threads = 1;
    std::vector<std::string> files;
  };
  virtual std::optional<WantedLimit> Limit() const { return std::nullopt; }

  const Case& tested() const { return case_; }
  Record record;
  /// The load of Verify itself: the first that the process makes of this case. Not a sample: memory was as it was.
  std::optional<Sample> first;

  // What Verify ended with, for the exit status.
  bool missing_data = false;  ///< skipped, though it would run here if its reference data were there
  bool not_made = false;      ///< skipped, because PyTorch cannot make its file
  bool no_device = false;     ///< skipped, because --device all does not find its device
  bool bad_input = false;

 private:
  Case case_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_RUN_H_
