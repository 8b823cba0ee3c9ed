#ifndef LOADPATH_HARNESS_LOAD_MAPPING_GUARDED_RANGE_H_
#define LOADPATH_HARNESS_LOAD_MAPPING_GUARDED_RANGE_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace loadpath {

/// Registers a memory range, which maps the file `path`, with the guard (InstallMappingGuard) for the lifetime of this
/// object.
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

#endif  // LOADPATH_HARNESS_LOAD_MAPPING_GUARDED_RANGE_H_
