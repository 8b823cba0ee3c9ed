#ifndef LOADPATH_HARNESS_LOAD_LIBTORCH_READER_H_
#define LOADPATH_HARNESS_LOAD_LIBTORCH_READER_H_

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "harness/load/prepare.h"

namespace loadpath {

// What the paths have in common that are LibTorch's own readers, for comparison. `reader` is a function's name.

/// Throws Skipped where the tensors are wanted on another device than the CPU, or lie in several files.
void RequireOneFile(std::string_view reader, const LoadRequest& request, const Checkpoint& checkpoint);

/// What LibTorch says, in one line.
[[noreturn]] void Refuses(std::string_view reader, const std::exception& error);

/// Copies what `find` gives for each planned key into the module. Throws Skipped, before anything is written, where it
/// gives nothing.
void CopyFound(std::string_view reader, const LoadRequest& request, const Prepared& prepared,
               const std::function<std::optional<at::Tensor>(const std::string& key)>& find, LoadResult& result);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_LIBTORCH_READER_H_
