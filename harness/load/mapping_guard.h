#ifndef LOADPATH_HARNESS_LOAD_MAPPING_GUARD_H_
#define LOADPATH_HARNESS_LOAD_MAPPING_GUARD_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace loadpath {

/// Handles SIGBUS: if a page of a Mapping is gone (its file was cut after it was mapped, or its disk fails), the
/// process ends with exit code 2 and one line on standard error, "PROGRAM: FILE: SENTENCE". Other SIGBUS signals are
/// passed to the previous handler. `program` must live as long as the process. Only main() calls this: a library does
/// not change the signals of the program that uses it.
void InstallMappingGuard(const char* program);

/// Registers a memory range, which maps the file `path`, with the guard for the lifetime of this object.
class GuardedRange {
 public:
  GuardedRange(const std::string& path, const std::byte* data, std::uint64_t length);
  ~GuardedRange();
  GuardedRange(const GuardedRange&) = delete;
  GuardedRange& operator=(const GuardedRange&) = delete;

  struct Entry;

 private:
  Entry* entry_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_MAPPING_GUARD_H_
