#ifndef LOADPATH_HARNESS_BASE_OUT_OF_MEMORY_H_
#define LOADPATH_HARNESS_BASE_OUT_OF_MEMORY_H_

#include <new>
#include <string>
#include <string_view>

#include "harness/base/error.h"

namespace loadpath {

/// work(), whose failing allocations become CheckpointError kOutOfMemory, "FILE: SENTENCE: out of memory".
template <typename Work>
auto OrOutOfMemory(const std::string& file, std::string_view sentence, const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    throw CheckpointError(ErrorCode::kOutOfMemory, file, std::string(sentence) + ": out of memory");
  }
}

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_OUT_OF_MEMORY_H_
