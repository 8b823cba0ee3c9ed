#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_STATE_DICT_BUILDER_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_STATE_DICT_BUILDER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/keyed_hash.h"
#include "harness/checkpoint/pickle/heap.h"

namespace loadpath {

/// Builds nested dicts and lists from the paths of their values, as torch.distributed.checkpoint does
/// (torch/distributed/checkpoint/_traverse.py, set_element). A text key belongs to a dict, a number to a list.
/// Positions of a list that get no value are None.
class StateDictBuilder {
 public:
  explicit StateDictBuilder(Heap& heap) : heap_(heap) { Open(false); }

  Value root() const { return levels_[0].value; }

  /// Puts `value` at `path`, a tuple of `tree`; if `path` is kNoNode, at the key `name` of the root. Returns the
  /// problem with the path, or an empty text.
  std::string_view Put(const Tree& tree, NodeId path, std::string_view name, Value value);

 private:
  static constexpr std::uint32_t kLeaf = ~std::uint32_t{0};

  struct Level {
    Value value;
    bool is_list = false;
    HashMap<std::string, std::uint32_t> slots;    // of a dict: its keys' numbers
    HashMap<std::uint64_t, std::uint32_t> below;  // by slot: what was put there, a level or kLeaf
  };
  struct Key {
    std::string_view text;
    std::int64_t index = 0;
    bool is_index = false;
  };

  std::uint32_t Open(bool is_list);
  std::string_view SlotOf(std::uint32_t number, const Key& key, std::uint64_t& slot);

  Heap& heap_;
  std::vector<Level> levels_;
  std::uint64_t put_ = 0, gaps_ = 0, name_bytes_ = 0, key_bytes_ = 0;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_DCP_STATE_DICT_BUILDER_H_
