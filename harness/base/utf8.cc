#include "harness/base/utf8.h"

#include <charconv>
#include <cstring>

namespace loadpath {
namespace {

// `digits` hexadecimal digits at `at`.
bool Hex(std::string_view text, std::size_t at, std::size_t digits, std::uint32_t& value) {
  if (text.size() < at + digits) return false;
  const char* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + digits, value, 16);
  return error == std::errc() && end == begin + digits;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  while (p < end) {
    if (end - p >= 8) {
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      if ((word & 0x8080808080808080u) == 0) {
        p += 8;
        continue;
      }
    }
    const unsigned lead = *p++;
    if (lead < 0x80) continue;
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || end - p < more) return false;
    std::uint32_t code = lead & (0x3fu >> more);
    for (int i = 0; i < more; ++i, ++p) {
      if ((*p & 0xc0) != 0x80) return false;
      code = code << 6 | (*p & 0x3fu);
    }
    if ((more == 2 && code < 0x800) || (more == 3 && (code < 0x10000 || code > 0x10ffff))) return false;
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
