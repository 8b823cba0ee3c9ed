#ifndef LOADPATH_HARNESS_GOLDEN_REFERENCE_FILES_H_
#define LOADPATH_HARNESS_GOLDEN_REFERENCE_FILES_H_

#include <span>
#include <string_view>

namespace loadpath {

/// A kind of file that the generator makes of a model.
struct FormatAndLayout {
  std::string_view format;  ///< "zip", "legacy", "safetensors", "sharded", …
  std::string_view layout;  ///< "bare", "nested", "deep", "full", "multi"
};

/// In which formats and layouts a model's checkpoints exist (scripts/reference_data/table.py, held equal by a test).
/// "multi:A" and "multi:B" lie in one file, in layout `multi` alone; "multi:A+B" stands for both.
std::span<const FormatAndLayout> ReferenceFiles(std::string_view model);

/// The models that exist as machine code too, compiled by AOTInductor (table.py: Program).
std::span<const std::string_view> ReferencePrograms();

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_GOLDEN_REFERENCE_FILES_H_
