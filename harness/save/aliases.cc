#include "harness/save/aliases.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <tuple>

#include "harness/base/keyed_hash.h"
#include "harness/checkpoint/check_view.h"
#include "harness/inspect/digest.h"

namespace loadpath {

std::vector<Alias> FindAliases(const Tree& tree, std::span<const TensorPath> tensors, AliasRule rule) {
  const auto view_of = [&](const TensorPath& place) -> const TensorView& { return tree.tensor(place.node); };
  std::vector<TensorPath> places;
  std::ranges::copy_if(tensors, std::back_inserter(places),
                       [&](const TensorPath& place) { return view_of(place).numel() > 0; });
  // Storage by storage, in the order of their first bytes.
  std::ranges::sort(places, {}, [&](const TensorPath& place) {
    return std::make_tuple(view_of(place).storage, ReachOf(view_of(place)), std::string_view(place.path[0]));
  });
  const std::vector<std::size_t> same = FirstOfEqualViews(tree, places);
  HashMap<std::string_view, Alias> found;
  std::size_t farthest = 0;
  for (std::size_t i = 1; i < places.size(); ++i) {
    const TensorView &view = view_of(places[i]), &before = view_of(places[farthest]);
    const auto [begin, end] = ReachOf(view);
    const std::uint64_t reached = view.storage == before.storage ? ReachOf(before).end : 0;
    if (begin < reached) {
      const bool equal = same[i] != i;
      const std::string& name = places[i].path[0];
      found.emplace(
          name, Alias{name, places[equal ? same[i] : farthest].path[0], equal, !(equal && rule == AliasRule::kOnce)});
    }
    if (end > reached) farthest = i;
  }
  std::vector<Alias> aliases;
  for (const TensorPath& place : tensors) {
    if (const auto alias = found.find(place.path[0]); alias != found.end()) aliases.push_back(alias->second);
  }
  return aliases;
}

}  // namespace loadpath
