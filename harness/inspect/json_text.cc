#include "harness/inspect/json_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "harness/base/text.h"

namespace loadpath::ckpt {

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = DecodeUtf8(text, i);
    if (!c.valid) {
      out += "\xef\xbf\xbd";
    } else if (c.value == '"' || c.value == '\\') {
      out += '\\';
      out += static_cast<char>(c.value);
    } else if (c.value < 0x20 || c.value == 0x7f || (c.value >= 0xd800 && c.value <= 0xdfff)) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c.value));
      out += escape;
    } else {
      out.append(text, i, c.length);
    }
    i += c.length;
  }
  out += '"';
}

void AppendJsonFloat(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += std::isnan(value) ? R"({"$float":"nan"})" : value > 0 ? R"({"$float":"inf"})" : R"({"$float":"-inf"})";
    return;
  }
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void AppendJsonNumbers(std::string& out, std::span<const std::int64_t> numbers) {
  out += '[';
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i) out += ',';
    out += std::to_string(numbers[i]);
  }
  out += ']';
}

void AppendJsonStrings(std::string& out, std::span<const std::string> strings) {
  out += '[';
  for (std::size_t i = 0; i < strings.size(); ++i) {
    if (i) out += ',';
    AppendJsonString(out, strings[i]);
  }
  out += ']';
}

JsonMembers& JsonMembers::Name(std::string_view name) {
  out_ += empty_ ? '{' : ',';
  empty_ = false;
  AppendJsonString(out_, name);
  out_ += ':';
  return *this;
}

JsonMembers& JsonMembers::Text(std::string_view name, std::string_view value) {
  Name(name);
  AppendJsonString(out_, value);
  return *this;
}

JsonMembers& JsonMembers::Float(std::string_view name, double value) {
  Name(name);
  AppendJsonFloat(out_, value);
  return *this;
}

JsonMembers& JsonMembers::Integer(std::string_view name, std::uint64_t value) {
  Name(name);
  out_ += std::to_string(value);
  return *this;
}

JsonMembers& JsonMembers::Bool(std::string_view name, bool value) {
  Name(name);
  out_ += value ? "true" : "false";
  return *this;
}

JsonMembers& JsonMembers::Texts(std::string_view name, std::span<const std::string> values) {
  Name(name);
  AppendJsonStrings(out_, values);
  return *this;
}

JsonMembers& JsonMembers::Numbers(std::string_view name, std::span<const std::int64_t> values) {
  Name(name);
  AppendJsonNumbers(out_, values);
  return *this;
}

std::string Base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace loadpath::ckpt
