#include <cstdio>

#include "bench/ckpt/load.h"
#include "harness/base/text.h"
#include "harness/inspect/json_text.h"

namespace loadpath::ckpt {
namespace {

std::string Json(const LoadRecord& record) {
  std::string out;
  JsonMembers members(out);
  members.Text("file", record.file).Text("model", record.model).Text("path", record.path).Text("device", record.device);
  members.Text("key", record.key).Integer("bytes", record.bytes).Name("phases");
  JsonMembers phases(out);
  phases.Float("construct", record.seconds.construct)
      .Float("open", record.seconds.open)
      .Float("parse", record.seconds.parse);
  phases.Float("load", record.seconds.load).Float("first_forward", record.seconds.first_forward).Close();
  members.Integer("peak_extra_bytes", record.peak_extra_bytes).Integer("minor_faults", record.minor_faults);
  members.Integer("major_faults", record.major_faults).Texts("missing_keys", record.missing_keys);
  members.Texts("unexpected_keys", record.unexpected_keys)
      .Texts("errors", record.errors)
      .Texts("warnings", record.warnings);
  members.Texts("hints", record.hints).Text("fallback", record.fallback).Text("check", record.check).Close();
  return out + "\n";
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
  std::string out =
      Escaped(record.file) + " into " + record.model + " by " + record.path + " on " + record.device + "\n";
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
  facts.Add({"page faults",
             std::to_string(record.minor_faults) + " minor, " + std::to_string(record.major_faults) + " major"});
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
