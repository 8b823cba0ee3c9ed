// Text, numbers and the line-based opcodes of protocol 0.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "harness/base/utf8.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/pickle/unpickler.h"

namespace loadpath {
namespace {

constexpr std::uint32_t kBillion = 1'000'000'000;

// Two's complement, little-endian, of any length, in decimal.
std::string DecimalText(std::span<const std::byte> bytes) {
  const bool negative = !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{0};
  std::vector<std::uint32_t> words((bytes.size() + 3) / 4, negative ? 0xffffffffu : 0);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    words[i / 4] &= ~(0xffu << (8 * (i % 4)));
    words[i / 4] |= std::to_integer<std::uint32_t>(bytes[i]) << (8 * (i % 4));
  }
  if (negative) {
    std::uint64_t carry = 1;
    for (std::uint32_t& word : words) {
      carry += static_cast<std::uint32_t>(~word);
      word = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) words.push_back(static_cast<std::uint32_t>(carry));
  }
  std::string digits;
  while (!words.empty()) {
    std::uint64_t remainder = 0;
    for (std::size_t i = words.size(); i-- > 0;) {
      remainder = remainder << 32 | words[i];
      words[i] = static_cast<std::uint32_t>(remainder / kBillion);
      remainder %= kBillion;
    }
    while (!words.empty() && words.back() == 0) words.pop_back();
    for (int i = 0; i < 9; ++i, remainder /= 10) digits += static_cast<char>('0' + remainder % 10);
  }
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  if (digits.empty()) digits = "0";
  if (negative) digits += '-';
  std::reverse(digits.begin(), digits.end());
  return digits;
}

}  // namespace

void Unpickler::CheckUtf8(std::string_view text) const {
  if (!IsUtf8(text)) Fail(ErrorCode::kBadPickle, "has a string that is not UTF-8");
}

// Leaves the bytes where they are: the value is the opcode's offset, from which Heap::text finds length and bytes.
void Unpickler::Text(std::size_t length_bytes, Value::Tag tag) {
  std::uint64_t size = 0;
  if (length_bytes == 1) size = ReadInt<std::uint8_t>();
  if (length_bytes == 4) size = ReadInt<std::uint32_t>();
  if (length_bytes == 8) size = ReadInt<std::uint64_t>();
  const std::byte* p = Read(size);
  if (tag == Value::Tag::kText) CheckUtf8({reinterpret_cast<const char*>(p), size});
  Push({tag, opcode_});
}

void Unpickler::Long(std::size_t length_bytes) {
  const std::uint64_t size = length_bytes == 1 ? ReadInt<std::uint8_t>() : ReadInt<std::uint32_t>();
  const std::byte* p = Read(size);
  if (size <= 8) {
    std::uint64_t value = 0;
    for (std::uint64_t i = 0; i < size; ++i) value |= std::to_integer<std::uint64_t>(p[i]) << (8 * i);
    if (size > 0 && size < 8 && (p[size - 1] & std::byte{0x80}) != std::byte{0})
      value |= ~std::uint64_t{0} << (8 * size);
    return Push(heap_.Int(static_cast<std::int64_t>(value)));
  }
  if (size > limits::kIntegerBytes) Fail(ErrorCode::kLimitExceeded, "has an integer of more than 4300 digits");
  Decimal(DecimalText({p, static_cast<std::size_t>(size)}));
}

void Unpickler::Decimal(std::string_view digits) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc() && end == digits.data() + digits.size()) return Push(heap_.Int(value));
  std::string_view body = digits;
  if (body.starts_with('-')) body.remove_prefix(1);
  if (error != std::errc::result_out_of_range || body.size() > limits::kIntegerDigits ||
      body.find_first_not_of("0123456789") != std::string_view::npos) {
    Fail(ErrorCode::kBadPickle, "has a malformed integer");
  }
  body.remove_prefix(std::min(body.find_first_not_of('0'), body.size() - 1));
  heap_.owned.push_back((digits.starts_with('-') ? "-" : "") + std::string(body));
  Push({Value::Tag::kBigInt, heap_.owned.size() - 1});
}

std::string_view Unpickler::ReadLine(std::size_t limit) {
  for (std::size_t searched = 0;;) {
    const std::span<const std::byte> all = input_.bytes();
    const std::size_t available = all.size() - position_;
    const auto* begin = reinterpret_cast<const char*>(all.data()) + position_;
    const std::size_t window = std::min(available, limit + 1);
    if (const void* newline = std::memchr(begin + searched, '\n', window - std::min(searched, window));
        newline != nullptr) {
      const auto size = static_cast<std::size_t>(static_cast<const char*>(newline) - begin);
      position_ += size + 1;
      return {begin, size};
    }
    if (available > limit) Fail(ErrorCode::kBadPickle, "has a line that is too long");
    if (!input_.Ensure(all.size() + 1)) Fail(ErrorCode::kBadPickle, "has a pickle that is cut off");
    searched = window;
  }
}

// STRING: Python's repr of bytes, quotes and escapes included. UNICODE: raw-unicode-escape.
void Unpickler::TextString(bool quoted) {
  std::string_view line = ReadLine(limits::kPickleBytes);
  const std::size_t last = line.size() - 1;
  if (quoted) {
    if (line.size() < 2 || line[0] != line[last] || (line[0] != '\'' && line[0] != '"')) {
      Fail(ErrorCode::kBadPickle, "the STRING opcode argument must be quoted");
    }
    line = line.substr(1, line.size() - 2);
  }
  std::string out;
  if (!(quoted ? UnescapeBytes(line, out) : UnescapeRawUnicode(line, out))) {
    Fail(ErrorCode::kBadPickle, "has a string with a malformed escape");
  }
  CheckUtf8(out);
  Push(heap_.OwnedText(std::move(out)));
}

bool Unpickler::StepText(Op op) {
  switch (op) {
    case Op::kGlobal: {
      const std::string module(ReadLine(limits::kLineBytes)), name(ReadLine(limits::kLineBytes));
      CheckUtf8(module);
      CheckUtf8(name);
      Global(module, name);
      break;
    }
    case Op::kInt: {
      const std::string_view line = ReadLine(limits::kLineBytes);
      if (line == "01" || line == "00") {
        Push({Value::Tag::kBool, line == "01" ? 1u : 0u});
      } else {
        Decimal(line);
      }
      break;
    }
    case Op::kLong: {
      std::string_view line = ReadLine(limits::kLineBytes);
      if (line.ends_with('L')) line.remove_suffix(1);
      Decimal(line);
      break;
    }
    case Op::kFloat: {
      const std::string_view line = ReadLine(limits::kLineBytes);
      double value = 0;
      const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
      if (end != line.data() + line.size() || (error != std::errc() && error != std::errc::result_out_of_range)) {
        Fail(ErrorCode::kBadPickle, "has a malformed float");
      }
      Push(heap_.Float(value));
      break;
    }
    case Op::kString:
      TextString(true);
      break;
    case Op::kUnicode:
      TextString(false);
      break;
    case Op::kGet:
    case Op::kPut: {
      const std::string_view line = ReadLine(limits::kLineBytes);
      std::uint64_t index = 0;
      const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), index);
      if (error != std::errc() || end != line.data() + line.size())
        Fail(ErrorCode::kBadPickle, "has a memo index that is not a number");
      if (op == Op::kGet) {
        Get(index);
      } else {
        Put(index);
      }
      break;
    }
    default:
      Fail(ErrorCode::kBadPickle, "Unsupported operand " + std::to_string(static_cast<unsigned>(op)));
  }
  return true;
}

}  // namespace loadpath
