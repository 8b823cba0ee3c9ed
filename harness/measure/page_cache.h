#ifndef LOADPATH_HARNESS_MEASURE_PAGE_CACHE_H_
#define LOADPATH_HARNESS_MEASURE_PAGE_CACHE_H_

#include <cstdint>
#include <span>
#include <string>

namespace loadpath {

/// How much of a file lies in the page cache, by mincore(2).
struct Residency {
  std::uint64_t pages = 0, resident = 0;

  double part() const { return pages == 0 ? 0 : static_cast<double>(resident) / static_cast<double>(pages); }
  bool cold() const { return resident * 100 <= pages; }      ///< at most 1 %
  bool hot() const { return resident * 100 >= pages * 99; }  ///< at least 99 %
};

/// Throws std::runtime_error ("FILE: sentence") where the file cannot be opened or mapped. An empty file has no pages.
Residency ReadResidency(const std::string& file);

/// Asks the kernel to drop the file's pages (fdatasync, posix_fadvise DONTNEED) and returns what stayed: the call
/// succeeds where it has no effect (tmpfs, pages that are mapped somewhere), so only the answer says whether it is
/// cold.
Residency Evict(const std::string& file);

/// Reads the file once, so that its pages lie in the page cache, and returns what does.
Residency Warm(const std::string& file);

/// The same of several files, as if they were one.
Residency Evict(std::span<const std::string> files);
Residency Warm(std::span<const std::string> files);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_PAGE_CACHE_H_
