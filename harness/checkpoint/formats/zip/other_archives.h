#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_OTHER_ARCHIVES_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_OTHER_ARCHIVES_H_

#include <string>

#include "harness/checkpoint/formats/zip/directory.h"

namespace loadpath {

/// Returns the sentence that refuses a zip archive that PyTorch did not write: what it is, by its records' names, and
/// what to do.
std::string OtherArchive(const ZipDirectory& directory);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_OTHER_ARCHIVES_H_
