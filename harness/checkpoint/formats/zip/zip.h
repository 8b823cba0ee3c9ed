#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_ZIP_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_ZIP_H_

#include <memory>
#include <string_view>

#include "harness/checkpoint/formats/single_file.h"

namespace loadpath {

/// Returns true for the first bytes of a zip archive.
bool IsZip(std::string_view head);

/// Opens what torch.save, TorchScript, torch::save of C++ or torch.export wrote. Throws CheckpointError.
std::shared_ptr<const SingleFile> OpenZip(std::unique_ptr<FileSource> source, const OpenOptions& options);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_ZIP_H_
