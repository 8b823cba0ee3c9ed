#include "bench/ckpt/load_report.h"

#include <cstdio>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/inspect/json_text.h"

namespace loadpath::ckpt {
namespace {

std::string Milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", seconds * 1e3);
  return text;
}

// "88 bytes, 1.2 MB/s"
std::string LoadedText(const LoadRecord& record) {
  std::string text = HumanBytes(record.bytes);
  if (record.bytes == 0 || record.seconds.load <= 0) return text;
  const double rate = static_cast<double>(record.bytes) / record.seconds.load;
  return text + ", " + HumanBytes(static_cast<std::uint64_t>(rate)) + "/s";
}

}  // namespace

std::string LoadJson(const LoadRecord& record) {
  return JsonLine({{"file", record.file},
                   {"model", record.model},
                   {"path", record.path},
                   {"device", record.device},
                   {"key", record.key},
                   {"bytes", record.bytes},
                   {"bytes_mapped", record.bytes_mapped},
                   {"phases",
                    {{"construct", record.seconds.construct},
                     {"open", record.seconds.open},
                     {"parse", record.seconds.parse},
                     {"load", record.seconds.load},
                     {"first_forward", record.seconds.first_forward}}},
                   {"cpu_seconds", record.cpu_seconds},
                   {"peak_extra_bytes", record.peak_extra_bytes},
                   {"minor_faults", record.minor_faults},
                   {"major_faults", record.major_faults},
                   {"missing_keys", record.missing_keys},
                   {"unexpected_keys", record.unexpected_keys},
                   {"mismatched", record.mismatched},
                   {"left_out", record.left_out},
                   {"errors", record.errors},
                   {"warnings", record.warnings},
                   {"hints", record.hints},
                   {"fallback", record.fallback},
                   {"choice", record.choice},
                   {"check", record.check}});
}

std::string LoadText(const LoadRecord& record) {
  if (!record.refusal.empty()) return "";
  const auto& seconds = record.seconds;
  std::string out =
      Escaped(record.file) + " into " + record.model + " by " + record.path + " on " + record.device + "\n";
  Table phases({Align::kLeft, Align::kRight, Align::kLeft});
  phases.Add({"construct", Milliseconds(seconds.construct)});
  phases.Add({"open", Milliseconds(seconds.open)});
  phases.Add({"parse", Milliseconds(seconds.parse)});
  phases.Add({"load", Milliseconds(seconds.load), LoadedText(record)});
  phases.Add(
      {"loaded", Milliseconds(seconds.construct + seconds.open + seconds.parse + seconds.load), "all of the above"});
  phases.Add({"first_forward", Milliseconds(seconds.first_forward)});
  phases.AppendTo(out, "  ");
  Table facts({Align::kLeft, Align::kLeft});
  facts.Add({"peak extra memory", HumanBytes(record.peak_extra_bytes) + " beyond the parameters"});
  facts.Add({"page faults",
             std::to_string(record.minor_faults) + " minor, " + std::to_string(record.major_faults) + " major"});
  if (!record.choice.empty()) facts.Add({"auto", Escaped(record.choice)});
  if (!record.fallback.empty()) facts.Add({"fallback", Escaped(record.fallback)});
  for (std::size_t i = 0; i < record.missing_keys.size(); ++i)
    facts.Add({"missing key", Escaped(record.missing_keys[i]) + ", which " + record.missing_notes.at(i)});
  for (const std::string& key : record.unexpected_keys) facts.Add({"unexpected key", Escaped(key)});
  for (const std::string& sentence : record.mismatched) facts.Add({"skipped", Escaped(sentence)});
  if (record.left_out_of_file > 0 || !record.left_out.empty()) {
    facts.Add({"left out", Counted(record.left_out_of_file, "key") + " of the file and " +
                               std::to_string(record.left_out.size()) +
                               " of the model, by --only or --skip: these keep their initial values"});
  }
  for (const std::string& warning : record.warnings) facts.Add({"warning", Escaped(warning)});
  if (!record.check.empty()) facts.Add({"checked", Escaped(record.check)});
  if (!record.output.empty())
    facts.Add({"written", Counted(record.outputs, "output") + " to " + Escaped(record.output)});
  for (const std::string& error : record.errors) facts.Add({"wrong", Escaped(error)});
  facts.AppendTo(out, "  ");
  return out;
}

}  // namespace loadpath::ckpt
