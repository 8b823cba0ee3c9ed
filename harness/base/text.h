#ifndef LOADPATH_HARNESS_BASE_TEXT_H_
#define LOADPATH_HARNESS_BASE_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/utf8.h"

namespace loadpath {

/// Returns `text` fit for one line of a terminal. Control characters, characters that change the direction of writing
/// and bytes that are not UTF-8 are escaped as in Python ("\n", "\x1b", "\u202e").
std::string Escaped(std::string_view text);

/// Returns the lines of `text` as one: each line break, with the blanks around it, becomes one blank.
std::string OneLine(std::string_view text);

/// Returns the elements of a path, escaped and joined by dots.
std::string DottedPath(std::span<const std::string> path);

/// Returns "[2, 10]".
std::string Brackets(std::span<const std::int64_t> numbers);

/// Returns "497.8 MB": in decimal units; below 1000 the exact number of bytes.
std::string HumanBytes(std::uint64_t bytes);

/// Returns "a, b, c".
std::string CommaList(std::span<const std::string> parts);

/// Returns how many characters of a terminal a text takes.
std::size_t DisplayWidth(std::string_view text);

/// Returns the words of one line of text over as many lines as it takes, none of more than `width` characters unless a
/// word is longer; the second and the following begin with `indent`. No newline stands at the end.
std::string Wrapped(std::string_view text, std::size_t width, std::string_view indent = {});

enum class Align : std::uint8_t { kLeft, kRight };

/// Lines of text in aligned columns, with two blanks between columns. The cells must be escaped already. No column is
/// padded to more than 120 characters; a longer cell shifts the rest of its line alone.
class Table {
 public:
  explicit Table(std::vector<Align> columns) : align_(std::move(columns)) {}
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  /// Appends the lines to `out`. Each begins with `indent` and ends with a newline, without blanks before it.
  void AppendTo(std::string& out, std::string_view indent = {}) const;

 private:
  std::vector<Align> align_;
  std::vector<std::vector<std::string>> rows_;
};

/// Writes all of `text` to standard output. It is no error if the reader went away. Throws std::runtime_error with one
/// line if writing fails for another reason.
void WriteStdout(std::string_view text);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_TEXT_H_
