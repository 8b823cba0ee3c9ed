#include "harness/base/text.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "harness/base/error.h"

namespace loadpath {
namespace {

// A cell that is wider stands out of its column: a key of a megabyte must not make every line that long.
constexpr std::size_t kWidestPadded = 120;

// Control characters, line separators, and the marks that reorder what a terminal shows.
bool NeedsEscape(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || (c >= 0xd800 && c <= 0xdfff);
}

}  // namespace

std::size_t DisplayWidth(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return width;
}

std::string CommaList(std::span<const std::string> parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string Escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = DecodeUtf8(text, i);
    if (c.valid && !NeedsEscape(c.value)) {
      out.append(text, i, c.length);
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (c.value == '\t') {
      out += "\\t";
    } else if (c.value == '\r') {
      out += "\\r";
    } else {
      char escape[16];
      std::snprintf(escape, sizeof escape, c.value > 0xff ? "\\u%04x" : "\\x%02x", static_cast<unsigned>(c.value));
      out += escape;
    }
    i += c.length;
  }
  return out;
}

std::string Wrapped(std::string_view text, std::size_t width, std::string_view indent) {
  std::string out;
  std::size_t column = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const std::size_t length = DisplayWidth(word);
    if (column > 0 && column + 1 + length > width) {
      out.append("\n").append(indent);
      column = indent.size();
    } else if (begin > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += length;
    begin = end + 1;
  }
  return out;
}

std::string OneLine(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    line.remove_suffix(line.size() - (line.find_last_not_of(kBlanks) + 1));
    if (!out.empty() && !line.empty()) out += ' ';
    out += line;
  }
  return out;
}

std::string DottedPath(std::span<const std::string> path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (i) out += '.';
    out += Escaped(path[i]);
  }
  return out;
}

std::string Brackets(std::span<const std::int64_t> numbers) {
  std::string out = "[";
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i) out += ", ";
    out += std::to_string(numbers[i]);
  }
  return out + "]";
}

std::string HumanBytes(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return Counted(bytes, "byte");
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; value >= 999.95 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
  return text;
}

void Table::AppendTo(std::string& out, std::string_view indent) const {
  std::vector<std::size_t> widths(align_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max(widths[c], std::min(DisplayWidth(row[c]), kWidestPadded));
  }
  for (const auto& row : rows_) {
    std::string line(indent);
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c) line += "  ";
      const std::size_t width = DisplayWidth(row[c]);
      const std::string blanks(widths[c] > width ? widths[c] - width : 0, ' ');
      line += align_[c] == Align::kRight ? blanks + row[c] : row[c] + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line;
    out += '\n';
  }
}

void WriteStdout(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EPIPE) return;
    if (written < 0) throw std::runtime_error(std::string("standard output: ") + std::strerror(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace loadpath
