#include "harness/base/error.h"

namespace loadpath {
namespace {

// Names come from the file: a newline or an escape sequence in one must not forge a line of output.
std::string Escaped(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

std::string Line(std::string_view file, std::string_view sentence, std::string_view record, std::uint64_t offset) {
  std::string line = Escaped(file) + ": " + Escaped(sentence);
  if (!record.empty()) line += ", record " + Escaped(record);
  if (offset != CheckpointError::kNoOffset) line += ", offset " + std::to_string(offset);
  return line;
}

}  // namespace

CheckpointError::CheckpointError(ErrorCode code, std::string_view file, std::string_view sentence,
                                 std::string_view record, std::uint64_t offset)
    : std::runtime_error(Line(file, sentence, record, offset)),
      code_(code),
      file_(file),
      sentence_(sentence),
      record_(record),
      offset_(offset) {}

std::string Counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string MissingText(std::uint64_t count) {
  return Counted(count, "byte") + (count == 1 ? " is missing" : " are missing");
}

}  // namespace loadpath
