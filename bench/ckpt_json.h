#ifndef LOADPATH_BENCH_CKPT_JSON_H_
#define LOADPATH_BENCH_CKPT_JSON_H_

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

/// RFC 4648, with padding.
std::string Base64(std::string_view bytes);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_BENCH_CKPT_JSON_H_
