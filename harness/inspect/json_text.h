#ifndef LOADPATH_HARNESS_INSPECT_JSON_TEXT_H_
#define LOADPATH_HARNESS_INSPECT_JSON_TEXT_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace loadpath::ckpt {

/// JSON text is appended piece by piece: a checkpoint's tree may be deeper than a recursive writer's stack.

/// A string, in quotes. Text that is not UTF-8 stays valid JSON: a surrogate becomes its \u escape (as in Python), any
/// other stray byte U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);

/// The shortest number that reads back as `value`, with a point or an exponent; {"$float": "nan"}, "inf" or "-inf" for
/// what JSON has no number for.
void AppendJsonFloat(std::string& out, double value);

void AppendJsonNumbers(std::string& out, std::span<const std::int64_t> numbers);
void AppendJsonStrings(std::string& out, std::span<const std::string> strings);

/// An object's members, one after the other: `{` with the first, `}` by Close.
class JsonMembers {
 public:
  explicit JsonMembers(std::string& out) : out_(out) {}
  JsonMembers& Text(std::string_view name, std::string_view value);
  JsonMembers& Float(std::string_view name, double value);
  JsonMembers& Integer(std::string_view name, std::uint64_t value);
  JsonMembers& Bool(std::string_view name, bool value);
  JsonMembers& Texts(std::string_view name, std::span<const std::string> values);
  JsonMembers& Numbers(std::string_view name, std::span<const std::int64_t> values);
  /// The value is appended to the text by the caller.
  JsonMembers& Name(std::string_view name);
  void Close() { out_ += empty_ ? "{}" : "}"; }

 private:
  std::string& out_;
  bool empty_ = true;
};

/// A list of objects: write(members, element) gives the members of each.
template <typename Elements, typename Write>
void AppendJsonObjects(std::string& out, const Elements& elements, const Write& write) {
  out += '[';
  bool first = true;
  for (const auto& element : elements) {
    if (!first) out += ',';
    first = false;
    JsonMembers members(out);
    write(members, element);
    members.Close();
  }
  out += ']';
}

/// RFC 4648, with padding.
std::string Base64(std::string_view bytes);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_HARNESS_INSPECT_JSON_TEXT_H_
