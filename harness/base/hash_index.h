#ifndef LOADPATH_HARNESS_BASE_HASH_INDEX_H_
#define LOADPATH_HARNESS_BASE_HASH_INDEX_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "harness/base/keyed_hash.h"

namespace loadpath {

/// A hash table of numbers, counted from 0, of things that the caller holds.
///
/// Takes 8 bytes an entry, is at most half full and allocates nothing per entry. (With std::unordered_map, 100,000
/// names took half the time of opening such a file.)
class HashIndex {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  explicit HashIndex(std::size_t expected = 0) : slots_(std::bit_ceil(expected * 2 + 16)) {}

  /// Returns the number for which `equal(number)` holds, or kNone.
  template <typename Equal>
  std::uint32_t Find(KeyedHash hash, const Equal& equal) const {
    return slots_[Probe(hash, equal)].number;
  }

  /// Returns the number for which `equal(number)` holds. If there is none, enters `number` and returns it.
  template <typename Equal>
  std::uint32_t FindOrAdd(KeyedHash hash, std::uint32_t number, const Equal& equal) {
    Slot& slot = slots_[Probe(hash, equal)];
    if (slot.number != kNone) return slot.number;
    slot = {Tag(hash), number};
    if (++size_ * 2 > slots_.size()) Grow();
    return number;
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;  // half of the hash: gives the slot's place, and tells most unequal names apart
    std::uint32_t number = kNone;
  };

  static std::uint32_t Tag(KeyedHash hash) { return static_cast<std::uint32_t>(hash.value()); }

  template <typename Equal>
  std::size_t Probe(KeyedHash hash, const Equal& equal) const {
    const std::uint32_t tag = Tag(hash);
    std::size_t at = tag & (slots_.size() - 1);
    while (slots_[at].number != kNone && (slots_[at].tag != tag || !equal(slots_[at].number)))
      at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  void Grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.number == kNone) continue;
      std::size_t at = slot.tag & (slots_.size() - 1);
      while (slots_[at].number != kNone) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_HASH_INDEX_H_
