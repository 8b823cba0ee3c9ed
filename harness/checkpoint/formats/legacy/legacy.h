#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_LEGACY_LEGACY_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_LEGACY_LEGACY_H_

#include <memory>
#include <string_view>

#include "harness/checkpoint/formats/single_file.h"

namespace loadpath {

/// Returns true for the first bytes of torch.save's format before PyTorch 1.6.
bool IsLegacy(std::string_view head);

std::shared_ptr<const SingleFile> OpenLegacy(std::unique_ptr<FileSource> file, const OpenOptions& options);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_LEGACY_LEGACY_H_
