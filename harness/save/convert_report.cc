#include <algorithm>
#include <cstdio>

#include "harness/base/text.h"
#include "harness/inspect/json_text.h"
#include "harness/save/convert.h"

namespace loadpath {
namespace {

constexpr std::size_t kMostNamed = 8;

std::string MoreText(std::size_t count) { return std::to_string(count) + " more (--json lists them)"; }

std::string AliasText(const Alias& alias) {
  return Escaped(alias.name) + (alias.equal ? " is " : " shares bytes with ") + Escaped(alias.of) +
         (alias.written ? ", written apart" : ", left out, named in __metadata__");
}

}  // namespace

std::string ConvertText(const Conversion& conversion) {
  Table table({Align::kLeft, Align::kLeft});
  table.Add({"file", Escaped(conversion.from.file) + ", " + conversion.format});
  table.Add({"output", Escaped(conversion.output)});
  table.Add({"tensors", std::to_string(conversion.tensors) + ", " + HumanBytes(conversion.bytes) +
                            ", each read back from the output and equal"});
  for (std::size_t i = 0; i < std::min(conversion.aliases.size(), kMostNamed); ++i)
    table.Add({i == 0 ? "aliases" : "", AliasText(conversion.aliases[i])});
  if (conversion.aliases.size() > kMostNamed)
    table.Add({"", "and " + MoreText(conversion.aliases.size() - kMostNamed)});
  std::string left;
  for (std::size_t i = 0; i < std::min(conversion.left_out.size(), kMostNamed); ++i)
    left += (i == 0 ? "" : ", ") + Escaped(conversion.left_out[i]);
  if (conversion.left_out.size() > kMostNamed) left += " and " + MoreText(conversion.left_out.size() - kMostNamed);
  if (!left.empty()) table.Add({"left out", left + ": no tensors"});
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.2f", conversion.seconds);
  table.Add({"seconds", seconds});
  std::string out;
  table.AppendTo(out);
  return out;
}

std::string ConvertJson(const Conversion& conversion) {
  ReportJson report = {
      {"file", conversion.from.file},   {"format", conversion.format},     {"key", conversion.from.key},
      {"output", conversion.output},    {"tensors", conversion.tensors},   {"bytes", conversion.bytes},
      {"aliases", ReportJson::array()}, {"left_out", conversion.left_out}, {"seconds", conversion.seconds}};
  for (const Alias& alias : conversion.aliases) {
    report["aliases"].push_back(
        {{"name", alias.name}, {"of", alias.of}, {"equal", alias.equal}, {"written", alias.written}});
  }
  return JsonLine(report);
}

}  // namespace loadpath
