#ifndef LOADPATH_HARNESS_INSPECT_INSPECT_REPORT_H_
#define LOADPATH_HARNESS_INSPECT_INSPECT_REPORT_H_

#include <string>
#include <vector>

#include "harness/inspect/file_and_key.h"
#include "loadpath/checkpoint.h"

namespace loadpath {

/// What a report on a checkpoint, or on the value at a key path, is made of.
struct Inspection {
  FileAndKey name;
  std::shared_ptr<const Checkpoint> checkpoint;
  NodeId root = 0;                   ///< the value at the key path
  std::vector<TensorPath> tensors;   ///< below `root`
  std::vector<std::string> digests;  ///< SHA-256 beside `tensors`, or empty
};

/// Lists the tensors below `name.key`, and digests them if `digest` is true. Throws CheckpointError.
Inspection Inspect(const FileAndKey& name, std::shared_ptr<const Checkpoint> checkpoint, bool digest, CrcMode crc);

/// Returns the JSON of `ckpt inspect --json`, with "key" if there is a key path.
std::string InspectJson(const Inspection& inspection);

/// Returns the report for people: a summary, the tensors, the values and what Python set on objects.
std::string InspectText(const Inspection& inspection);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_INSPECT_REPORT_H_
