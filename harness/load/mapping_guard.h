#ifndef LOADPATH_HARNESS_LOAD_MAPPING_GUARD_H_
#define LOADPATH_HARNESS_LOAD_MAPPING_GUARD_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace loadpath {

/// For programs: where a page of a Mapping can no longer be had (its file was cut after it was mapped, or its disk
/// fails), the process ends with exit code 2 and one line on standard error, "PROGRAM: FILE: SENTENCE", instead of by
/// SIGBUS. Every other SIGBUS goes to whoever had it before. `program` lives as long as the process. A library must not
/// change signals behind its user's back, so nothing calls this but main().
void InstallMappingGuard(const char* program);

/// A range of memory that the guard answers for as long as this lives. `path` names its file.
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
