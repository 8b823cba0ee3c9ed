#include "loadpath/load.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>

#include "harness/base/error.h"
#include "harness/base/nearest.h"
#include "harness/base/stopwatch.h"
#include "harness/base/text.h"
#include "harness/checkpoint/read/read_progress.h"
#include "harness/load/prepare.h"

namespace loadpath {
namespace {

const LoadPath& PathFor(const std::string& via) {
  if (const LoadPath* path = FindLoadPath(via)) return *path;
  std::vector<std::string> names;
  for (const LoadPath& path : LoadPaths()) names.emplace_back(path.name);
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  throw std::invalid_argument("no load path " + Escaped(via) + DidYouMean(via, names) + " (" + list + ")");
}

at::Device DeviceFor(const std::string& name) {
  try {
    return OpenDevice(name);
  } catch (const UsageError& error) {
    throw std::invalid_argument(error.what());
  }
}

std::string Milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", seconds * 1e3);
  return text;
}

void CountChecksums(const std::vector<CrcStatus>& statuses, LoadReport& report) {
  for (const CrcStatus status : statuses) {
    switch (status) {
      case CrcStatus::kChecked:
        ++report.crc.checked;
        break;
      case CrcStatus::kNotWritten:
        ++report.crc.not_written;
        break;
      case CrcStatus::kOff:
        ++report.crc.off;
        break;
      case CrcStatus::kPartial:
        ++report.crc.partial;
        break;
    }
  }
}

}  // namespace

void detail::FailWithoutModule() {
  throw std::invalid_argument("make returned no module but a null pointer: return the module to load into");
}

CheckpointSource CheckpointSource::Opened(const OpenOptions& options) const {
  if (checkpoint_) return *this;
  Stopwatch watch;
  CheckpointSource opened = Checkpoint::Open(path_, options);
  opened.seconds_ = watch.Lap();
  return opened;
}

LoadReport LoadInto(torch::nn::Module& module, const CheckpointSource& checkpoint, const LoadOptions& options) {
  const LoadPath& path = PathFor(options.via);
  const at::Device device = DeviceFor(options.device);
  const CheckpointSource opened = checkpoint.Opened({.opaque = options.opaque});
  const std::shared_ptr<const Checkpoint>& file = opened.checkpoint();
  LoadResult result = path.load(
      {.file = file->path(),
       .key_path = options.key,
       .checkpoint = file,
       .rules = {.prefixes = options.prefixes, .rename = options.rename, .only = options.only, .skip = options.skip},
       .module = module,
       .device = device,
       .file_stays = options.file_stays,
       .options = {.strict = options.strict, .skip_mismatched = options.skip_mismatched},
       .read = {.threads = options.threads, .crc = options.crc, .progress = ReadProgress::Fresh(options.progress)}});
  Synchronize(device);
  if (opened.seconds()) AddCosts(file->open_report(), result);

  LoadReport report{.file = file->path(),
                    .key = options.key,
                    .format = std::string(file->format()),
                    .path = std::string(result.ran),
                    .choice = std::move(result.choice),
                    .device = device.str(),
                    .keys = std::move(result.report),
                    .missing_keys = std::move(result.keys.missing_keys),
                    .unexpected_keys = std::move(result.keys.unexpected_keys),
                    .mismatched = std::move(result.mismatched),
                    .warnings = std::move(result.warnings),
                    .bytes = result.bytes_loaded,
                    .bytes_mapped = result.bytes_mapped,
                    .bytes_read = result.bytes_read,
                    .read_calls = result.read_calls,
                    .bytes_copied = result.bytes_copied,
                    .tensors_fallen_back = result.tensors_fallen_back,
                    .fallback = std::move(result.fallback),
                    .crc = {},
                    .seconds = {}};
  report.warnings.insert(report.warnings.begin(), file->warnings().begin(), file->warnings().end());
  const auto filled = [](const KeyReport& key) {
    return key.outcome == KeyOutcome::kLoaded || key.outcome == KeyOutcome::kConverted;
  };
  // PyTorch says nothing if strict=False finds no key at all, nor do filters that leave none.
  if (!report.keys.empty() && std::ranges::none_of(report.keys, filled)) {
    report.warnings.emplace_back("nothing was loaded: report.keys says why of every key");
  }
  CountChecksums(result.crc, report);
  report.seconds.open = opened.seconds().value_or(0);
  report.seconds.plan = result.seconds.plan;
  report.seconds.load = result.seconds.load;
  report.seconds.resident = result.seconds.resident;
  return report;
}

std::string LoadReport::Text() const {
  std::map<std::string_view, std::size_t> counts;
  for (const KeyReport& one : keys) ++counts[Name(one.outcome)];
  std::string text = Escaped(file) + (key.empty() ? "" : "::" + Escaped(key)) + " (" + format + ") by " + path +
                     " on " + device + ": " + HumanBytes(bytes) + "\n";
  Table table({Align::kLeft, Align::kLeft});
  std::string outcomes;
  for (const auto& [name, count] : counts)
    outcomes += (outcomes.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(name);
  table.Add({"keys", outcomes});
  for (const std::string& one : missing_keys) table.Add({"missing", Escaped(one)});
  for (const std::string& one : unexpected_keys) table.Add({"unexpected", Escaped(one)});
  for (const std::string& one : mismatched) table.Add({"skipped", Escaped(one)});
  if (!choice.empty()) table.Add({"auto", Escaped(choice)});
  for (const std::string& one : warnings) table.Add({"warning", Escaped(one)});
  if (!fallback.empty()) table.Add({"fallback", Escaped(fallback)});
  table.Add({"checksums", std::to_string(crc.checked) + " checked, " + std::to_string(crc.not_written) +
                              " not written, " + std::to_string(crc.off) + " off, " + std::to_string(crc.partial) +
                              " of parts"});
  std::string times;
  for (const auto& [name, value] :
       {std::pair("construct", seconds.construct), std::pair("open", seconds.open), std::pair("plan", seconds.plan),
        std::pair("load", seconds.load), std::pair("resident", seconds.resident),
        std::pair("initialise", seconds.initialise)}) {
    times += (times.empty() ? "" : ", ") + std::string(name) + " " + Milliseconds(value);
  }
  table.Add({"time", times});
  table.AppendTo(text, "  ");
  return text;
}

}  // namespace loadpath
