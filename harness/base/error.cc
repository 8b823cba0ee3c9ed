#include "harness/base/error.h"

namespace loadpath {
namespace {

// Names come from the file: a newline or an escape sequence in one must not forge a line of output. Other bytes stay as
// they are, so that a path can be copied from the message.
std::string WithoutControls(std::string_view text) {
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

std::string Line(std::string_view file, std::string_view sentence, std::string_view record, std::uint64_t offset,
                 std::string_view advice) {
  std::string line = WithoutControls(file) + ": " + WithoutControls(sentence);
  if (!record.empty()) line += ", record " + WithoutControls(record);
  if (offset != CheckpointError::kNoOffset) line += ", offset " + std::to_string(offset);
  if (!advice.empty()) line += ": " + WithoutControls(advice);
  return line;
}

}  // namespace

CheckpointError::CheckpointError(ErrorCode code, std::string_view file, std::string_view sentence,
                                 std::string_view record, std::uint64_t offset, std::string_view advice)
    : std::runtime_error(Line(file, sentence, record, offset, advice)),
      code_(code),
      file_(file),
      sentence_(sentence),
      record_(record),
      advice_(advice),
      offset_(offset) {}

std::string Counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string MissingText(std::uint64_t count) {
  return Counted(count, "byte") + (count == 1 ? " is missing" : " are missing");
}

}  // namespace loadpath
