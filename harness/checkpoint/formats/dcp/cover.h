#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_COVER_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_COVER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/checkpoint/formats/dcp/metadata.h"

namespace loadpath {

/// Returns true for a chunk without elements.
bool IsEmpty(const Tree& tree, const DcpChunk& chunk);

struct CoverProblem {
  std::string sentence;  ///< empty if there is none
  ErrorCode code = ErrorCode::kBadTensor;
};

/// Checks that the chunks lie inside a tensor of `shape` (extents in elements, none negative, product below 2^63) and
/// cover each of its elements once. Linear in the number of chunks, up to sorting.
CoverProblem CheckCover(const Tree& tree, std::span<const std::int64_t> shape, std::span<const DcpChunk> chunks);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_COVER_H_
