#ifndef LOADPATH_HARNESS_BASE_ERROR_H_
#define LOADPATH_HARNESS_BASE_ERROR_H_

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "loadpath/error.h"

namespace loadpath {

/// Returns work(). If an allocation fails, throws CheckpointError kOutOfMemory: "FILE: SENTENCE: out of memory".
template <typename Work>
auto OrOutOfMemory(const std::string& file, std::string_view sentence, const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    throw CheckpointError(ErrorCode::kOutOfMemory, file, std::string(sentence) + ": out of memory");
  }
}

/// Returns "1 tensor", "2 tensors": a count in a sentence.
std::string Counted(std::uint64_t count, std::string_view noun);

/// Returns "1 byte is missing", "7 bytes are missing".
std::string MissingText(std::uint64_t count);

/// Bad use of a command line: what() is the one line for standard error, and the exit status is 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_ERROR_H_
