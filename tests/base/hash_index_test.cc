// Names that were chosen to collide: tables under a key take no more steps over them than over any others.
#include "harness/base/hash_index.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstring>
#include <limits>
#include <set>
#include <unordered_set>

namespace loadpath {
namespace {

constexpr std::size_t kNames = 80'000;

// The bijections that std::hash<std::string> of libstdc++ is made of for eight bytes (libsupc++/hash_bytes.cc),
// backwards.
constexpr std::uint64_t kMul = 0xc6a4a7935bd1e995u, kSeed = 0xc70f6907u;

std::uint64_t Inverse(std::uint64_t odd) {
  std::uint64_t inverse = odd;
  for (int i = 0; i < 6; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

std::uint64_t Unshift(std::uint64_t value) { return value ^ value >> 47; }

// The eight bytes whose std::hash is `hash`.
std::string NameWithHash(std::uint64_t hash) {
  const std::uint64_t inverse = Inverse(kMul);
  std::uint64_t word = Unshift(Unshift(hash) * inverse) * inverse;  // before the last rounds
  word ^= kSeed ^ 8 * kMul;
  word = Unshift(word * inverse) * inverse;
  std::string name(8, '\0');
  std::memcpy(name.data(), &word, 8);
  return name;
}

// A multiple of the number of buckets that a table of so many names has.
std::vector<std::string> CraftedNames() {
  std::unordered_set<std::string> table;
  table.reserve(kNames);
  std::vector<std::string> names;
  for (std::uint64_t i = 1; i <= kNames; ++i) names.push_back(NameWithHash(i * table.bucket_count()));
  return names;
}

template <typename Set>
std::size_t LargestBucket(const Set& table) {
  std::size_t largest = 0;
  for (std::size_t i = 0; i < table.bucket_count(); ++i) largest = std::max(largest, table.bucket_size(i));
  return largest;
}

TEST(HashSet, SpreadsNamesThatCollideUnderStdHash) {
  std::unordered_set<std::string> plain;
  HashSet<std::string> keyed;
  plain.reserve(kNames);
  keyed.reserve(kNames);
  std::size_t left = 1000;  // of the plain one, which takes a step for each name that is there
  for (const std::string& name : CraftedNames()) {
    if (left > 0 && left--) plain.insert(name);
    keyed.insert(name);
  }
  EXPECT_EQ(LargestBucket(plain), 1000u) << "the names are not crafted well";
  EXPECT_EQ(keyed.size(), kNames);
  EXPECT_LT(LargestBucket(keyed), 20u);
}

TEST(HashIndex, ComparesFewNamesThatCollideUnderStdHash) {
  // Those whose hashes agree in the half that a table without a key would have put into its slots.
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15u;
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < kNames; ++i) {
    const std::uint64_t mixed = (std::uint64_t{7} << 32 | i) * Inverse(kGolden);
    const std::uint64_t hash = mixed ^ mixed >> 29 ^ mixed >> 58;
    names.push_back(NameWithHash(hash));
    ASSERT_EQ(std::hash<std::string>{}(names.back()), hash);
  }
  HashIndex index(kNames);
  std::size_t compared = 0;
  const auto number_of = [&](const std::string& name, std::uint32_t number) {
    return index.FindOrAdd(KeyedHash(name), number, [&](std::uint32_t other) {
      ++compared;
      return names[other] == name;
    });
  };
  for (std::uint32_t i = 0; i < kNames; ++i) ASSERT_EQ(number_of(names[i], i), i);
  // Of 80,000 * 79,999 / 2 pairs, one or two have the same 32 bits.
  EXPECT_LT(compared, 30u);
  for (std::uint32_t i = 0; i < kNames; ++i) ASSERT_EQ(number_of(names[i], HashIndex::kNone), i);
  EXPECT_LT(compared, kNames + 60);
}

TEST(HashIndex, FindsWhatWasAddedWhileItGrows) {
  HashIndex index;
  const auto name = [](std::uint32_t i) { return std::to_string(i); };
  for (std::uint32_t i = 0; i < 1000; ++i) {
    index.FindOrAdd(KeyedHash(name(i)), i, [&](std::uint32_t other) { return other == i; });
  }
  for (std::uint32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(index.Find(KeyedHash(name(i)), [&](std::uint32_t other) { return name(other) == name(i); }), i);
  }
  EXPECT_EQ(index.Find(KeyedHash("none"), [&](std::uint32_t other) { return name(other) == "none"; }),
            HashIndex::kNone);
}

// OpenSSL's, of as many rounds.
std::uint64_t Expected(const HashKey& key, std::string_view bytes) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
  unsigned int size = 8, rounds = 1, last_rounds = 3;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size),
                               OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &rounds),
                               OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &last_rounds), OSSL_PARAM_END};
  std::uint64_t hash = 0;
  std::size_t written = 0;
  EXPECT_EQ(EVP_MAC_init(context, reinterpret_cast<const unsigned char*>(key.data()), sizeof key, params), 1);
  EXPECT_EQ(EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()), 1);
  EXPECT_EQ(EVP_MAC_final(context, reinterpret_cast<unsigned char*>(&hash), &written, sizeof hash), 1);
  EXPECT_EQ(written, sizeof hash);
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(mac);
  return hash;
}

TEST(SipHash, IsOpenSsls) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) bytes += static_cast<char>(37 * i);
  const HashKey key{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const std::string_view part(bytes.data(), size);
    EXPECT_EQ(SipHash(key, part), Expected(key, part)) << size;
  }
}

TEST(KeyedHash, IsTheSameForTheSameBytes) {
  EXPECT_EQ(KeyedHash("name").value(), KeyedHash(std::string("name")).value());
  EXPECT_NE(KeyedHash("name").value(), KeyedHash("mane").value());
  EXPECT_NE(KeyedHash("name").value(), SipHash({}, "name")) << "the key is not random";
}

// clear() keeps the buckets and writes to all of them each time.
TEST(KeyedHash, AnEmptiedTableIsSmall) {
  HashSet<std::string> names;
  for (int i = 0; i < 1'000; ++i) names.insert(std::to_string(i));
  Empty(names);
  EXPECT_TRUE(names.empty());
  EXPECT_LT(names.bucket_count(), 20u);
}

}  // namespace
}  // namespace loadpath
