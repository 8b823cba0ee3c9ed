#ifndef LOADPATH_HARNESS_CHECKPOINT_READ_READ_PROGRESS_H_
#define LOADPATH_HARNESS_CHECKPOINT_READ_READ_PROGRESS_H_

#include <cstdint>
#include <string>

#include "loadpath/progress.h"

namespace loadpath {

/// One read, as its Progress sees it.
class ReadProgress {
 public:
  /// Announces `bytes` and reports. `file` is named if the read is cancelled; it must outlive this object.
  ReadProgress(const Progress& progress, const std::string& file, std::uint64_t bytes);

  /// Returns a progress that calls the same function and counts from 0: for a load of its own.
  static Progress Fresh(const Progress& progress);

  /// Counts bytes that were read. Thread-safe.
  void Add(std::uint64_t bytes) const {
    if (progress_) Count(bytes);
  }
  /// Reports if enough has happened since the last time. Call it in the thread that called Checkpoint::Read. Throws
  /// CheckpointError kCancelled.
  void Tell() const {
    if (progress_) TellIfDue();
  }
  /// Reports the end if everything that was announced has been read. Throws CheckpointError kCancelled.
  void Finish() const;

 private:
  void Count(std::uint64_t bytes) const;
  void TellIfDue() const;
  void Report(std::uint64_t done) const;

  const Progress progress_;
  const std::string& file_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_READ_READ_PROGRESS_H_
