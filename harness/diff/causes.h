#ifndef LOADPATH_HARNESS_DIFF_CAUSES_H_
#define LOADPATH_HARNESS_DIFF_CAUSES_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/checkpoint/checkpoint.h"

namespace loadpath::ckpt {

/// A tensor of a state dict, for comparing.
struct KeyInfo {
  std::string key;
  std::string dtype;
  std::vector<std::int64_t> shape;
};

/// Two state dicts to compare: what was wanted and what is there, and what to call them in a sentence.
struct KeySets {
  std::span<const KeyInfo> wanted, have;
  std::string wanted_name, have_name;
};

/// Why keys or shapes do not match, in sentences that say what to do, the likeliest first: a prefix that one side has
/// ("module."), the indices of a Sequential shifted, a layer renamed, a matrix transposed, another model altogether.
/// Empty where nothing is likely or nothing is wrong.
std::vector<std::string> LikelyCauses(const KeySets& sets);

/// The key path of the dict in the checkpoint that holds most of these keys, where that is at least half of them and
/// not `current`; else empty.
std::string FindNested(const Checkpoint& checkpoint, std::span<const KeyInfo> wanted, std::string_view current);

/// The sentence for it.
std::string NestedCause(const std::string& key_path);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_HARNESS_DIFF_CAUSES_H_
