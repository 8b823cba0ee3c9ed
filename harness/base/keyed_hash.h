#ifndef LOADPATH_HARNESS_BASE_KEYED_HASH_H_
#define LOADPATH_HARNESS_BASE_KEYED_HASH_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>

namespace loadpath {

using HashKey = std::array<std::uint64_t, 2>;

/// SipHash-1-3 of `bytes`: nobody can choose bytes that collide without knowing the key.
std::uint64_t SipHash(const HashKey& key, std::string_view bytes);

/// The hash of a name or number that a file chose, under a random key of this process.
///
/// std::hash has no key: names that all collide are computed in advance, and a table of n of them takes n * n steps.
/// A type of its own, so that no other hash can be passed by mistake.
class KeyedHash {
 public:
  explicit KeyedHash(std::string_view bytes);
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_;
};

/// For the standard containers. Looks texts up by std::string_view.
struct KeyedHasher {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return KeyedHash(text).value(); }
  template <typename Number, typename = std::enable_if_t<std::is_integral_v<Number>>>
  std::size_t operator()(Number number) const {
    return KeyedHash({reinterpret_cast<const char*>(&number), sizeof number}).value();
  }
};

/// Tables whose keys come from a file.
template <typename Key, typename Value>
using HashMap = std::unordered_map<Key, Value, KeyedHasher, std::equal_to<>>;
template <typename Key>
using HashSet = std::unordered_set<Key, KeyedHasher, std::equal_to<>>;

/// Empties a table and frees its buckets. (clear() keeps them and writes to all of them: many small tables that follow
/// a large one in the same place would take quadratic time.)
template <typename Table>
void Empty(Table& table) {
  table = Table();
}

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_KEYED_HASH_H_
