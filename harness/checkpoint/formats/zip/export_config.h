#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_EXPORT_CONFIG_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_EXPORT_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/file_source.h"
#include "loadpath/dtype.h"

namespace loadpath {

/// One weight or constant of a torch.export archive: a view of a record, raw or pickled by torch.save.
struct Payload {
  std::string name, record;  ///< record: inside the folder of the weights or constants
  bool parameter = false, pickled = false, requires_grad = false;
  std::optional<Dtype> dtype;               ///< of raw ones
  std::vector<std::int64_t> shape, stride;  ///< in elements
  std::int64_t storage_offset = 0;
  bool has_view = false;  ///< shape, stride and offset are given
};

/// Reads {"config": {"fc.weight": {"path_name": "weight_0", "is_param": true, "use_pickle": false, "tensor_meta":
/// {…}}}} (torch/_export/serde/schema.py, PayloadConfig of schema version 8), in the file's order. `record` stands in
/// messages. Throws CheckpointError: kBadArchive, or kUnsupported if a size is symbolic or the layout is not strided.
std::vector<Payload> ParsePayloadConfig(const FileSource& source, std::string_view record, std::string_view json);

/// Reads {"fc_weight": ["weight_0", [3, 2], [2, 1], 0]}, of an AOTInductor package
/// (torch/export/pt2_archive/_package.py).
std::vector<Payload> ParseInductorConfig(const FileSource& source, std::string_view record, std::string_view json);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_EXPORT_CONFIG_H_
