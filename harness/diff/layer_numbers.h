#ifndef LOADPATH_HARNESS_DIFF_LAYER_NUMBERS_H_
#define LOADPATH_HARNESS_DIFF_LAYER_NUMBERS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/diff/causes.h"
#include "harness/diff/name_parts.h"

namespace loadpath {

/// The tensors of one layer: what follows its name, and their shapes, in order.
using Signature = std::vector<std::pair<std::string_view, std::vector<std::int64_t>>>;
/// The layers of a Sequential by their numbers.
using Numbered = std::map<std::uint32_t, Signature>;

/// Returns what is numbered in the names, by what stands before the number ("net." of "net.0.weight"). `names` are
/// those of `infos`, which give the shapes.
std::map<std::string_view, Numbered> NumbersOf(std::span<const KeyInfo> infos, std::span<const std::string> names);

/// Returns the number of a layer in `a` and that in `b`, for layers of one signature that stand in the same order.
std::vector<std::pair<std::uint32_t, std::uint32_t>> Aligned(const Numbered& a, const Numbered& b);

/// Returns false if the alignment cannot be right: a layer that is left out on one side may be any of them, and one of
/// `pairs` would rename a layer that matches under its own number, or take such a layer's place.
bool MayAlign(const Numbered& a, const Numbered& b, std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs);

/// Returns true if a pair of layers goes by order alone: on one side another layer has the same signature.
bool ByOrder(const Numbered& a, const Numbered& b, std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs);

/// Returns the changes that give the layers below `before` their other numbers.
std::vector<NameChange> NumberChanges(const std::string& before,
                                      std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_LAYER_NUMBERS_H_
