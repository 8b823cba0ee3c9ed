#include "harness/base/nearest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace loadpath {
namespace {

// Longer names are not compared: nobody types them by hand, and comparing takes the product of their lengths.
constexpr std::size_t kLongestName = 200;
// Pairs of characters that are compared in all: names of a file may be very many.
constexpr std::size_t kMostCompared = std::size_t{1} << 26;
constexpr std::size_t kShortestBeginning = 3;

// Returns the edit distance, with two swapped neighbours as one edit (optimal string alignment). If it is larger than
// `limit`, returns any larger value.
std::size_t Distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::swap(before, last);
    std::swap(last, row);
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1)});
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
    }
  }
  return row.back();
}

}  // namespace

std::string Nearest(std::string_view name, std::span<const std::string> candidates) {
  std::string_view nearest;
  std::size_t best = kLongestName, compared = 0;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = std::max(name.size(), candidate.size());
    if (longer > kLongestName || best == 0) continue;
    if ((compared += (name.size() + 1) * (candidate.size() + 1)) > kMostCompared) break;
    const std::size_t distance = Distance(name, candidate, std::min(longer / 3, best - 1));
    if (distance <= longer / 3 && distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  if (!nearest.empty() || name.size() < kShortestBeginning) return std::string(nearest);
  const auto longer = std::ranges::find_if(candidates, [&](const std::string& one) { return one.starts_with(name); });
  return longer == candidates.end() ? "" : *longer;
}

std::string DidYouMean(std::string_view name, std::span<const std::string> candidates) {
  const std::string nearest = Nearest(name, candidates);
  return nearest.empty() ? "" : "; did you mean " + nearest + "?";
}

}  // namespace loadpath
