#ifndef LOADPATH_HARNESS_INSPECT_JSON_TEXT_H_
#define LOADPATH_HARNESS_INSPECT_JSON_TEXT_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace loadpath {

/// Reports of bounded size are built as this; members keep their order.
using ReportJson = nlohmann::ordered_json;

/// Returns `report` on one line, with a newline. Bytes that are not UTF-8 become U+FFFD.
std::string JsonLine(const ReportJson& report);

/// Returns `value` as a JSON number, or {"$float": "nan" | "inf" | "-inf"}, which JSON has no number for.
ReportJson JsonFloat(double value);

// The rest appends text piece by piece: the tree of a checkpoint may be deeper than a recursive writer's stack, and as
// large as the file.

/// Appends a string, in quotes. Text that is not UTF-8 stays valid JSON: a surrogate becomes its \u escape (as in
/// Python), any other stray byte U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);

/// Appends the shortest number that reads back as `value`, with a point or an exponent, or JsonFloat's object.
void AppendJsonFloat(std::string& out, double value);

void AppendJsonNumbers(std::string& out, std::span<const std::int64_t> numbers);
void AppendJsonStrings(std::string& out, std::span<const std::string> strings);

/// Returns `bytes` in base64 (RFC 4648), with padding.
std::string Base64(std::string_view bytes);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_JSON_TEXT_H_
