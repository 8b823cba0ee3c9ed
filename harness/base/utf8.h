#ifndef LOADPATH_HARNESS_BASE_UTF8_H_
#define LOADPATH_HARNESS_BASE_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace loadpath {

/// A code point of UTF-8 text, or a byte that is not UTF-8.
struct CodePoint {
  char32_t value = 0;
  std::size_t length = 1;  ///< in bytes
  bool valid = false;      ///< if false, `value` is the byte
};

/// Decodes the code point at `position`, which must lie inside `text`. Lone surrogates are valid: Python writes them
/// for text that is not Unicode.
CodePoint DecodeUtf8(std::string_view text, std::size_t position);

/// Returns true if Python decodes `text` by "utf-8" with "surrogatepass", as unpicklers do: UTF-8, lone surrogates
/// allowed.
bool IsUtf8(std::string_view text);

/// Appends the code point, at most 0x10ffff, as UTF-8.
void AppendUtf8(std::uint32_t code, std::string& out);

/// Appends the bytes that the body of a Python bytes literal stands for. Returns false if an escape is malformed.
bool UnescapeBytes(std::string_view literal, std::string& out);

/// Appends Python's raw-unicode-escape as UTF-8: \uXXXX and \UXXXXXXXX are code points, every other byte is Latin-1.
/// Returns false if an escape is malformed.
bool UnescapeRawUnicode(std::string_view raw, std::string& out);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_UTF8_H_
