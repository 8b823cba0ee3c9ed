#ifndef LOADPATH_HARNESS_BASE_NEAREST_H_
#define LOADPATH_HARNESS_BASE_NEAREST_H_

#include <span>
#include <string>
#include <string_view>

namespace loadpath {

/// Returns the candidate nearest to `name` by edit distance, for "did you mean". Two swapped neighbours are one edit.
/// Returns the first that `name` is the beginning of if the nearest is more than a third of the longer name away, or an
/// empty text if there is none.
std::string Nearest(std::string_view name, std::span<const std::string> candidates);

/// Returns "; did you mean NEAREST?", or an empty text if none is near: the end of a sentence.
std::string DidYouMean(std::string_view name, std::span<const std::string> candidates);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_NEAREST_H_
