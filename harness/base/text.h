#ifndef LOADPATH_HARNESS_BASE_TEXT_H_
#define LOADPATH_HARNESS_BASE_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loadpath {

/// One code point of UTF-8 text. `valid` is false for a byte that is no UTF-8 (value: the byte). Surrogates, which
/// Python writes for text that is not Unicode, are decoded as such.
struct CodePoint {
  char32_t value = 0;
  std::size_t length = 1;  ///< in bytes
  bool valid = false;
};
CodePoint DecodeUtf8(std::string_view text, std::size_t position);

/// `text` for one line of a terminal: control characters, those that turn the direction of writing, and bytes that are
/// no UTF-8 are escaped as in Python ("\n", "\x1b", "\u202e").
std::string Escaped(std::string_view text);

/// The elements of a path, escaped, joined by dots.
std::string DottedPath(std::span<const std::string> path);

/// "[2, 10]".
std::string Brackets(std::span<const std::int64_t> numbers);

/// "497.8 MB": decimal units, bytes below 1000 exact.
std::string HumanBytes(std::uint64_t bytes);

enum class Align : std::uint8_t { kLeft, kRight };

/// Lines with aligned columns, two blanks between them. Cells are text that is already escaped.
class Table {
 public:
  explicit Table(std::vector<Align> columns) : align_(std::move(columns)) {}
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  /// Every line begins with `indent` and ends with a newline, without blanks before it.
  void AppendTo(std::string& out, std::string_view indent = {}) const;

 private:
  std::vector<Align> align_;
  std::vector<std::vector<std::string>> rows_;
};

/// Writes all of `text` to standard output. A reader that went away is no error. Throws std::runtime_error with one
/// line where the text could not be written for another reason.
void WriteStdout(std::string_view text);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_TEXT_H_
