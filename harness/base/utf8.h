#ifndef LOADPATH_HARNESS_BASE_UTF8_H_
#define LOADPATH_HARNESS_BASE_UTF8_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace loadpath {

/// True for what Python decodes by "utf-8" with "surrogatepass", as unpicklers do: UTF-8, lone surrogates allowed.
bool IsUtf8(std::string_view text);

/// Appends the code point (at most 0x10ffff) in UTF-8.
void AppendUtf8(std::uint32_t code, std::string& out);

/// The body of the literal of a Python byte string; false where an escape is malformed.
bool UnescapeBytes(std::string_view literal, std::string& out);

/// Python's raw-unicode-escape into UTF-8: \uXXXX and \UXXXXXXXX, every other byte is Latin-1.
bool UnescapeRawUnicode(std::string_view raw, std::string& out);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_UTF8_H_
