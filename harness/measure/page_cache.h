#ifndef LOADPATH_HARNESS_MEASURE_PAGE_CACHE_H_
#define LOADPATH_HARNESS_MEASURE_PAGE_CACHE_H_

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace loadpath {

/// The greatest part of a cold file that may lie in the page cache, and the least of a hot one.
inline constexpr double kMostOfCold = 0.01, kLeastOfHot = 0.99;

/// A file could not be made as hot or cold as is wanted: what() names it and how much stayed in the page cache.
class NotAsWanted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How much of a file lies in the page cache, by mincore(2).
struct Residency {
  std::uint64_t pages = 0, resident = 0;

  double part() const { return pages == 0 ? 0 : static_cast<double>(resident) / static_cast<double>(pages); }
  bool cold() const { return part() <= kMostOfCold; }
  bool hot() const { return pages == 0 || part() >= kLeastOfHot; }
};

/// Reads a file's residency. An empty file has no pages. Like all functions here it throws std::runtime_error, "FILE:
/// sentence", if a file cannot be opened or mapped.
Residency ReadResidency(const std::string& file);

/// Asks the kernel to drop the file's pages (fdatasync, posix_fadvise DONTNEED) and returns how many stayed. The call
/// also succeeds if it has no effect (on tmpfs, or while pages are mapped), so only the answer says if the file is
/// cold.
Residency Evict(const std::string& file);

/// Reads the file once, so that its pages lie in the page cache, and returns how many do. The kernel may drop some
/// again at once, so only the answer says if the file is hot: MakeHot() checks it.
Residency Warm(const std::string& file);

/// Do the same for several files, as if they were one.
Residency ReadResidency(std::span<const std::string> files);
Residency Evict(std::span<const std::string> files);
Residency Warm(std::span<const std::string> files);

/// Warms the files, except those whose pages are all in the page cache already, and proves it: throws NotAsWanted,
/// which names the file and the part that stayed in the page cache, if less than 99 % of one did. Returns the residency
/// of all.
Residency MakeHot(std::span<const std::string> files);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_MEASURE_PAGE_CACHE_H_
