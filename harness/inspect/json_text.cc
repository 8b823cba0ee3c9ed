#include "harness/inspect/json_text.h"

#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "harness/base/text.h"

namespace loadpath {

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

std::string JsonLine(const ReportJson& report) {
  return report.dump(-1, ' ', /*ensure_ascii=*/false, ReportJson::error_handler_t::replace) + "\n";
}

ReportJson JsonFloat(double value) {
  if (std::isfinite(value)) return value;
  return ReportJson::object({{"$float", std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf"}});
}

void AppendJsonFloat(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += JsonFloat(value).dump();
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

std::string Base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends its text with a NUL
  const int length =
      ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

}  // namespace loadpath
