#include "harness/base/keyed_hash.h"

#include <sys/random.h>

#include <bit>
#include <cstring>
#include <random>

namespace loadpath {
namespace {

// Reads the system's random numbers once. If getrandom is not allowed (a sandbox), std::random_device asks elsewhere.
const HashKey& ProcessKey() {
  static const HashKey key = [] {
    HashKey random{};
    if (::getrandom(random.data(), sizeof random, 0) != static_cast<ssize_t>(sizeof random)) {
      std::random_device device;
      for (std::uint64_t& half : random) half = std::uint64_t{device()} << 32 | device();
    }
    return random;
  }();
  return key;
}

std::uint64_t Load(const char* bytes, std::size_t count) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < count; ++i) word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return word;
}

struct State {
  std::uint64_t a, b, c, d;

  void Round() {
    a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
    c += d, d = std::rotl(d, 16) ^ c;
    a += d, d = std::rotl(d, 21) ^ a;
    c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
  }
  void Take(std::uint64_t word) {
    d ^= word;
    Round();
    a ^= word;
  }
};

}  // namespace

// Aumasson and Bernstein, "SipHash: a fast short-input PRF", with one round a word and three at the end, as Python and
// Rust hash their dicts. (OpenSSL has it too, behind a context that takes an allocation a hash.)
std::uint64_t SipHash(const HashKey& key, std::string_view bytes) {
  State state{key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du, key[0] ^ 0x6c7967656e657261u,
              key[1] ^ 0x7465646279746573u};
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(&word, at, 8);
    } else {
      word = Load(at, 8);
    }
    state.Take(word);
  }
  state.Take(std::uint64_t{bytes.size() & 0xff} << 56 | Load(at, left));
  state.c ^= 0xff;
  for (int i = 0; i < 3; ++i) state.Round();
  return state.a ^ state.b ^ state.c ^ state.d;
}

KeyedHash::KeyedHash(std::string_view bytes) : value_(SipHash(ProcessKey(), bytes)) {}

}  // namespace loadpath
