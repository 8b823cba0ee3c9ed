#include "harness/checkpoint/nearest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace loadpath {
namespace {

// Levenshtein distance, or any value above `limit` where it is larger.
std::size_t Distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0], best = row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
      best = std::min(best, row[j + 1]);
    }
    if (best > limit) return limit + 1;
  }
  return row.back();
}

// Comparing takes the product of two lengths: names longer than this are not typed by hand.
constexpr std::size_t kLongest = 512;

}  // namespace

std::string Nearest(std::string_view name, std::span<const std::string> candidates) {
  std::string_view nearest;
  std::size_t best = kLongest;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = std::max(name.size(), candidate.size());
    if (longer > kLongest || best == 0) continue;
    const std::size_t distance = Distance(name, candidate, std::min(longer / 3, best - 1));
    if (distance <= longer / 3 && distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return std::string(nearest);
}

}  // namespace loadpath
