#ifndef LOADPATH_HARNESS_LOAD_LIBTORCH_READER_H_
#define LOADPATH_HARNESS_LOAD_LIBTORCH_READER_H_

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "harness/load/prepare.h"

namespace loadpath {

// Serves the paths that let LibTorch's own functions read the file, for comparison. `reader` is the function's name.

/// Throws Skipped if the tensors are wanted on another device than the CPU, or if they lie in several files.
void RequireOneFile(std::string_view reader, const LoadRequest& request, const Checkpoint& checkpoint);

/// Throws Skipped with LibTorch's error, which may be several lines, without the stack and without advice to its
/// authors.
[[noreturn]] void SkipAsRefused(std::string_view reader, const std::exception& error);

/// Copies the tensor that `find` returns for each planned key into the module. Throws Skipped, before anything is
/// written, if it returns none for a key. Costs that LibTorch's readers do not tell become unknown.
void CopyFound(std::string_view reader, const Prepared& prepared,
               const std::function<std::optional<at::Tensor>(const std::string& key)>& find, LoadResult& result);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_LIBTORCH_READER_H_
