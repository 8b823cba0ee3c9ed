#ifndef LOADPATH_HARNESS_SUITE_RUN_H_
#define LOADPATH_HARNESS_SUITE_RUN_H_

#include <exception>
#include <string>

#include "harness/results/record.h"
#include "harness/suite/case.h"
#include "harness/suite/session.h"

namespace loadpath {

/// Returns what() whole, which may be several lines; of LibTorch's errors without the stack.
std::string ReasonOf(const std::exception& error);

/// One case: checked by Verify, then sampled as often as is wanted.
class Run {
 public:
  explicit Run(const Case& one);
  virtual ~Run() = default;

  /// Runs the case once and checks every answer. Throws Skipped if it cannot run here, BadInput for a file of the
  /// user's own that is not a checkpoint, and any other exception if it failed or an answer is wrong. Sets `estimate`.
  virtual void Verify() = 0;
  /// Runs it once and returns its seconds. Notes in the record what else it cost.
  virtual double Sample() = 0;

  const Case& tested() const { return case_; }
  Record record;
  double estimate = 0;  ///< seconds of one sample

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
