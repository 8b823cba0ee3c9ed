#include "harness/base/utf8.h"

#include <charconv>
#include <cstring>

namespace loadpath {
namespace {

// Reads `digits` hexadecimal digits at `at`.
bool Hex(std::string_view text, std::size_t at, std::size_t digits, std::uint32_t& value) {
  if (text.size() < at + digits) return false;
  const char* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + digits, value, 16);
  return error == std::errc() && end == begin + digits;
}

}  // namespace

CodePoint DecodeUtf8(std::string_view text, std::size_t position) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[position + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() - position < length) return {first, 1, false};
  char32_t value = first & (0xff >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {first, 1, false};
    value = (value << 6) | (byte(i) & 0x3f);
  }
  static constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || value > 0x10ffff) return {first, 1, false};
  return {value, length, true};
}

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    // Nearly all text is ASCII: eight bytes at a time.
    std::uint64_t word = ~std::uint64_t{0};
    if (text.size() - i >= sizeof word) std::memcpy(&word, text.data() + i, sizeof word);
    if ((word & 0x8080808080808080u) == 0) {
      i += sizeof word;
      continue;
    }
    const CodePoint point = DecodeUtf8(text, i);
    if (!point.valid) return false;
    i += point.length;
  }
  return true;
}

void AppendUtf8(std::uint32_t code, std::string& out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    tail(12), tail(6), tail(0);
  }
}

bool UnescapeBytes(std::string_view literal, std::string& out) {
  static constexpr std::string_view kLetters = "\\'\"abfnrtv", kBytes = "\\'\"\a\b\f\n\r\t\v";
  for (std::size_t i = 0; i < literal.size(); ++i) {
    if (literal[i] != '\\') {
      out += literal[i];
      continue;
    }
    if (++i == literal.size()) return false;
    if (const std::size_t letter = kLetters.find(literal[i]); letter != std::string_view::npos) {
      out += kBytes[letter];
    } else if (literal[i] == 'x') {
      std::uint32_t value = 0;
      if (!Hex(literal, i + 1, 2, value)) return false;
      out += static_cast<char>(value);
      i += 2;
    } else if (literal[i] >= '0' && literal[i] <= '7') {
      unsigned value = 0;
      std::size_t digits = 0;
      for (; digits < 3 && i + digits < literal.size() && literal[i + digits] >= '0' && literal[i + digits] <= '7';
           ++digits) {
        value = value * 8 + static_cast<unsigned>(literal[i + digits] - '0');
      }
      out += static_cast<char>(value);
      i += digits - 1;
    } else {
      out += '\\';
      out += literal[i];
    }
  }
  return true;
}

bool UnescapeRawUnicode(std::string_view raw, std::string& out) {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 1 < raw.size() && (raw[i + 1] == 'u' || raw[i + 1] == 'U')) {
      const std::size_t digits = raw[i + 1] == 'u' ? 4 : 8;
      std::uint32_t code = 0;
      if (!Hex(raw, i + 2, digits, code) || code > 0x10ffff) return false;
      AppendUtf8(code, out);
      i += 1 + digits;
    } else {
      AppendUtf8(static_cast<unsigned char>(raw[i]), out);
    }
  }
  return true;
}

}  // namespace loadpath
