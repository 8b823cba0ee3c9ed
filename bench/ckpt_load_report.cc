#include <cstdio>

#include "bench/ckpt_json.h"
#include "bench/ckpt_load_run.h"
#include "bench/ckpt_text.h"

namespace loadpath::ckpt {
namespace {

std::string Json(const LoadRecord& record) {
  std::string out = "{\"file\":";
  AppendJsonString(out, record.file);
  out += ",\"model\":";
  AppendJsonString(out, record.model);
  out += ",\"path\":";
  AppendJsonString(out, record.path);
  out += ",\"device\":";
  AppendJsonString(out, record.device);
  out += ",\"key\":";
  AppendJsonString(out, record.key);
  out += ",\"bytes\":" + std::to_string(record.bytes);
  out += ",\"phases\":{\"construct\":";
  AppendJsonFloat(out, record.seconds.construct);
  out += ",\"open\":";
  AppendJsonFloat(out, record.seconds.open);
  out += ",\"parse\":";
  AppendJsonFloat(out, record.seconds.parse);
  out += ",\"load\":";
  AppendJsonFloat(out, record.seconds.load);
  out += ",\"first_forward\":";
  AppendJsonFloat(out, record.seconds.first_forward);
  out += "},\"peak_extra_bytes\":" + std::to_string(record.peak_extra_bytes);
  out += ",\"minor_faults\":" + std::to_string(record.minor_faults);
  out += ",\"major_faults\":" + std::to_string(record.major_faults);
  out += ",\"missing_keys\":";
  AppendJsonStrings(out, record.missing_keys);
  out += ",\"unexpected_keys\":";
  AppendJsonStrings(out, record.unexpected_keys);
  out += ",\"errors\":";
  AppendJsonStrings(out, record.errors);
  out += ",\"warnings\":";
  AppendJsonStrings(out, record.warnings);
  out += ",\"hints\":";
  AppendJsonStrings(out, record.hints);
  out += ",\"fallback\":";
  AppendJsonString(out, record.fallback);
  out += ",\"check\":";
  AppendJsonString(out, record.check);
  return out + "}\n";
}

std::string Milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", seconds * 1e3);
  return text;
}

std::string Text(const LoadRecord& record) {
  if (!record.refusal.empty()) return "";
  char rate[32] = "";
  if (record.bytes > 0 && record.seconds.load > 0) {
    std::snprintf(rate, sizeof rate, "%.2f GB/s", static_cast<double>(record.bytes) / record.seconds.load * 1e-9);
  }
  const auto& seconds = record.seconds;
  const double loaded = seconds.construct + seconds.open + seconds.parse + seconds.load;
  std::string out = Escaped(record.file) + " into " + record.model + " by " + record.path + " on " + record.device + "\n";
  Table phases({Align::kLeft, Align::kRight, Align::kLeft});
  phases.Add({"construct", Milliseconds(seconds.construct)});
  phases.Add({"open", Milliseconds(seconds.open)});
  phases.Add({"parse", Milliseconds(seconds.parse)});
  phases.Add({"load", Milliseconds(seconds.load), HumanBytes(record.bytes) + (*rate ? std::string(", ") + rate : "")});
  phases.Add({"loaded", Milliseconds(loaded), "all of the above"});
  phases.Add({"first_forward", Milliseconds(seconds.first_forward)});
  phases.AppendTo(out, "  ");
  Table facts({Align::kLeft, Align::kLeft});
  facts.Add({"peak extra memory", HumanBytes(record.peak_extra_bytes) + " beyond the parameters"});
  facts.Add({"page faults", std::to_string(record.minor_faults) + " minor, " + std::to_string(record.major_faults) + " major"});
  if (!record.fallback.empty()) facts.Add({"fallback", Escaped(record.fallback)});
  for (const std::string& key : record.missing_keys) facts.Add({"missing key", Escaped(key)});
  for (const std::string& key : record.unexpected_keys) facts.Add({"unexpected key", Escaped(key)});
  for (const std::string& warning : record.warnings) facts.Add({"warning", Escaped(warning)});
  if (!record.check.empty()) facts.Add({"checked", Escaped(record.check)});
  for (const std::string& error : record.errors) facts.Add({"wrong", Escaped(error)});
  facts.AppendTo(out, "  ");
  return out;
}

}  // namespace

std::string Report(const LoadRecord& record, bool json) { return json ? Json(record) : Text(record); }

}  // namespace loadpath::ckpt
