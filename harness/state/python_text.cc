#include "harness/state/python_text.h"

namespace loadpath {

std::string SizeText(c10::IntArrayRef shape) {
  std::string text = "torch.Size([";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "])";
}

std::string StringRepr(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  const char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
  std::string repr(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      repr += {'\\', c};
    } else if (c == '\n') {
      repr += "\\n";
    } else if (c == '\r') {
      repr += "\\r";
    } else if (c == '\t') {
      repr += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      repr += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      repr += c;
    }
  }
  return repr + quote;
}

std::string QuotedKeys(std::span<const std::string> keys, std::string_view separator) {
  std::string text;
  for (const std::string& key : keys) {
    if (!text.empty()) text += separator;
    text += '"' + key + '"';
  }
  return text;
}

std::string TypeName(std::string_view type_text) {
  const std::size_t begin = type_text.find('\''), end = type_text.rfind('\'');
  if (begin == end) return std::string(type_text);
  const std::string_view full = type_text.substr(begin + 1, end - begin - 1);
  return std::string(full.substr(full.rfind('.') + 1));
}

}  // namespace loadpath
