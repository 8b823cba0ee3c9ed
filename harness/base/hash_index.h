#ifndef LOADPATH_HARNESS_BASE_HASH_INDEX_H_
#define LOADPATH_HARNESS_BASE_HASH_INDEX_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace loadpath {

/// A hash index over things that lie elsewhere, numbered from 0: 8 bytes an entry, half full at most, no allocation per
/// entry. (A std::unordered_map of 100,000 names took half the time of opening such a file.)
class Index {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  explicit Index(std::size_t expected = 0) : slots_(std::bit_ceil(expected * 2 + 16)) {}

  /// The number for which `equal` holds, or kNone. `hash`: any; it is mixed here.
  template <typename Equal>
  std::uint32_t Find(std::uint64_t hash, const Equal& equal) const {
    return slots_[Probe(Mix(hash), equal)].number;
  }

  /// The same; where there is none, `number` is entered and returned.
  template <typename Equal>
  std::uint32_t FindOrAdd(std::uint64_t hash, std::uint32_t number, const Equal& equal) {
    const std::uint64_t mixed = Mix(hash);
    Slot& slot = slots_[Probe(mixed, equal)];
    if (slot.number != kNone) return slot.number;
    slot = {static_cast<std::uint32_t>(mixed >> 32), number};
    if (++size_ * 2 > slots_.size()) Grow();
    return number;
  }

 private:
  struct Slot {
    std::uint32_t tag =
        0;  // the upper half of the mixed hash: where the slot is sought, and most unequal names told apart
    std::uint32_t number = kNone;
  };

  static std::uint64_t Mix(std::uint64_t hash) { return (hash ^ hash >> 29) * 0x9e3779b97f4a7c15u; }

  template <typename Equal>
  std::size_t Probe(std::uint64_t mixed, const Equal& equal) const {
    const auto tag = static_cast<std::uint32_t>(mixed >> 32);
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
