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
#include "loadpath/key_rules.h"

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

/// Returns the rules that give the layers below `before` their other numbers.
std::vector<KeyRename> NumberRules(const std::string& before,
                                   std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_DIFF_LAYER_NUMBERS_H_
