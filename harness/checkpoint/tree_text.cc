// How values read in Python: str of keys, repr of scalars and of types.
#include <charconv>
#include <cmath>

#include "harness/checkpoint/check_view.h"
#include "harness/checkpoint/type_names.h"
#include "loadpath/tree.h"

namespace loadpath {
namespace {

// repr(float): the shortest digits that give the value back, an exponent below 1e-4 and from 1e16 on.
std::string FloatText(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[32];
  const auto scientific = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  std::string text(buffer, scientific.ptr);
  const int exponent = std::stoi(text.substr(text.find('e') + 1));
  if (value != 0 && (exponent < -4 || exponent >= 16)) return text;
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  std::string plain(buffer, fixed.ptr);
  if (plain.find('.') == std::string::npos) plain += ".0";
  return plain;
}

std::string Quoted(std::string_view text, bool bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  const char quote = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out = bytes ? "b" : "";
  out += quote;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f || (bytes && byte >= 0x80)) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + quote;
}

std::string ComplexText(double real, double imag) {
  const auto part = [](double value) {
    std::string text = FloatText(value);
    if (text.ends_with(".0")) text.resize(text.size() - 2);
    return text;
  };
  std::string imaginary = part(imag) + "j";
  if (real == 0 && !std::signbit(real)) return imaginary;
  return "(" + part(real) + (imaginary[0] == '-' || imaginary[0] == '+' ? "" : "+") + imaginary + ")";
}

constexpr std::size_t kMaxShown = 200;

}  // namespace

std::string Tree::KeyText(NodeId key) const {
  return kind(key) == NodeKind::kString ? std::string(text(key)) : ShortText(key);
}

std::string Tree::TypeText(NodeId id) const {
  switch (kind(id)) {
    case NodeKind::kTensor:
      return tensor(id).parameter ? kParameterType : TypeName(NodeKind::kTensor);
    case NodeKind::kObject:
    case NodeKind::kName:
      return nodes_[id].type == NamedType::kItself ? "<class '" + std::string(text(id)) + "'>"
                                                   : TypeName(nodes_[id].type);
    default:
      return class_name(id).empty() ? TypeName(kind(id)) : "<class '" + std::string(class_name(id)) + "'>";
  }
}

std::string Tree::WholeText(NodeId id) const {
  switch (kind(id)) {
    case NodeKind::kString:
      return Quoted(text(id), false);
    case NodeKind::kBytes:
      return Quoted(text(id), true);
    case NodeKind::kByteArray:
      return "bytearray(" + Quoted(text(id), true) + ")";
    default:
      return ShortText(id);
  }
}

std::string Tree::ShortText(NodeId id) const {
  const auto counted = [&](const char* what, std::size_t count) {
    return "<" + std::string(what) + " of " + std::to_string(count) + ">";
  };
  switch (kind(id)) {
    case NodeKind::kNone:
      return "None";
    case NodeKind::kBool:
      return boolean(id) ? "True" : "False";
    case NodeKind::kInt:
      return std::to_string(integer(id));
    case NodeKind::kBigInt:
    case NodeKind::kName:
      return std::string(text(id));
    case NodeKind::kFloat:
      return FloatText(real(id));
    case NodeKind::kComplex:
      return ComplexText(real(id), imag(id));
    case NodeKind::kString:
    case NodeKind::kBytes: {
      const bool bytes = kind(id) == NodeKind::kBytes;
      return text(id).size() <= kMaxShown ? WholeText(id) : counted(bytes ? "bytes" : "str", text(id).size());
    }
    case NodeKind::kByteArray:
      return text(id).size() <= kMaxShown ? WholeText(id) : counted("bytearray", text(id).size());
    case NodeKind::kTuple: {
      // A tuple of scalars is shown whole: it may be a key. Deeper ones are counted.
      if (items(id).size() > 16) return counted("tuple", items(id).size());
      std::string out = "(";
      for (const NodeId item : items(id)) {
        if (out.size() > 1) out += ", ";
        out += kind(item) == NodeKind::kTuple ? counted("tuple", items(item).size()) : ShortText(item);
      }
      return out + (items(id).size() == 1 ? ",)" : ")");
    }
    case NodeKind::kList:
      return counted("list", items(id).size());
    case NodeKind::kSize:
      return "torch.Size(" + counted("ints", items(id).size()) + ")";
    case NodeKind::kSet:
      return counted("set", items(id).size());
    case NodeKind::kFrozenSet:
      return counted("frozenset", items(id).size());
    case NodeKind::kDict:
      return counted("dict", items(id).size() / 2);
    case NodeKind::kOrderedDict:
      return counted("OrderedDict", items(id).size() / 2);
    case NodeKind::kCounter:
      return counted("Counter", items(id).size() / 2);
    case NodeKind::kTensor:
      return "<" + std::string(Name(tensor(id).dtype)) + " tensor of " + ShapeText(tensor(id).shape) + ">";
    case NodeKind::kStorage:
      return "<storage>";
    case NodeKind::kObject:
      return "<" + std::string(text(id)) + ">";
  }
  return {};
}

}  // namespace loadpath
