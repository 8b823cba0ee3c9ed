#include "harness/suite/suite.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <map>
#include <tuple>

#include "harness/base/error.h"
#include "harness/base/new_file.h"
#include "harness/base/paths.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/command_line/command_line.h"
#include "harness/measure/machine.h"
#include "harness/measure/warm_memory.h"
#include "harness/results/costs.h"
#include "harness/results/fields.h"
#include "harness/results/statistics.h"
#include "harness/results/text_output.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/report/google_benchmark.h"
#include "harness/suite/report/surroundings.h"
#include "harness/suite/sampling/interrupt.h"
#include "harness/suite/sampling/sampling.h"
#include "harness/suite/selection.h"
#include "loadpath/device.h"

namespace loadpath {
namespace {

// The user's own files that the reference data hold. Where there are no data, the cases say so when they run.
std::vector<OwnFile> OwnFiles(const std::string& data) {
  std::vector<OwnFile> own;
  try {
    const Manifest manifest = Manifest::Read(data);
    for (const ManifestFile& file : manifest.files()) {
      if (file.layout == kOwnLayout) own.push_back({file.models.front().first, file.format});
    }
  } catch (const std::runtime_error&) {
  }
  return own;
}

std::vector<Case> CatalogueFor(const SuiteOptions& options, std::span<const Model> models) {
  return Catalogue({.models = models,
                    .devices = options.devices,
                    .caches = options.caches,
                    .checkpoints = options.checkpoints,
                    .own = OwnFiles(options.data),
                    .memories = options.memories});
}

// ctest's SKIP_RETURN_CODE of the tests that loadpath_add_suite adds.
constexpr int kNothingToDo = 77;

std::vector<Case> Chosen(const SuiteOptions& options, const std::vector<Case>& catalogue,
                         std::span<const Model> models) {
  std::vector<Case> chosen = Select(options.filter, catalogue, options.program, models);
  if (options.kind) std::erase_if(chosen, [&](const Case& one) { return one.kind != *options.kind; });
  return chosen;
}

Context DescribeRun(const SuiteOptions& options) {
  char date[64];
  const std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S%z", std::localtime(&now));
  const Version& built = ProgramVersion();
  Context context = DescribeMachine(std::filesystem::exists(options.data) ? options.data : ".");
  context.insert(context.end(), {{"version", std::string(built.version)},
                                 {"commit", std::string(built.commit)},
                                 {"libtorch", std::string(built.libtorch)},
                                 {"compiler", std::string(built.compiler)},
                                 {"build_type", std::string(built.build_type)},
                                 {"cpu_capability", at::get_cpu_capability()},
                                 {"threads", std::to_string(at::get_num_threads())},
                                 {"seed", std::to_string(options.seed)},
                                 {"date", date},
                                 {"command", options.command}});
  return context;
}

std::string Canonical(const std::string& path) {
  std::error_code absent;
  const std::string canonical = std::filesystem::canonical(path, absent).string();
  return absent ? "" : canonical;
}

// Throws if a file that is read would be replaced.
void KeepInputs(const SuiteOptions& options, const std::string& output) {
  const std::string there = Canonical(output);
  if (there.empty()) return;
  const auto in_folder = [&](const std::string& folder) { return !folder.empty() && there.starts_with(folder + "/"); };
  const auto refuse = [&](const std::string& what) {
    throw UsageError(output + ": is " + what + "; name another file to write");
  };
  for (const UserCheckpoint& checkpoint : options.checkpoints) {
    std::vector<std::string> files = {checkpoint.file};
    bool complete = true;
    try {
      files = FilesOf(*Checkpoint::Open(checkpoint.file, {.opaque = checkpoint.opaque}));
    } catch (const CheckpointError&) {
      // Its cases report that. Which other files it lists is not known.
      complete = !IsFolder(checkpoint.file) && !checkpoint.file.ends_with(".json");
    }
    RefuseToOverwrite(output, files, "the checkpoint itself");
    const std::string file = Canonical(checkpoint.file);
    if (!complete && in_folder(IsFolder(file) ? file : std::filesystem::path(file).parent_path().string())) {
      refuse("in the folder of a checkpoint that cannot be opened");
    }
  }
  // Results of an earlier run may lie there.
  const std::filesystem::path name(there), data(Canonical(options.data));
  const bool results = name.parent_path() == data && name.extension() == ".json" && name.filename() != "manifest.json";
  if (in_folder(data) && !results) refuse("one of the reference data");
}

// What a record must not say of a case that has no time.
void ClearTimes(Record& record) {
  record.repetitions = 0;
  record.samples.clear();
  record.dropped.reset();
  record.varying.clear();
  record.checked = record.outputs_checked = false;
}

std::string NotKept(const Record& record) {
  const std::string wanted = record.cache
                                 ? "as " + std::string(Name(*record.cache)) + " as the case says, or memory was not"
                                 : "as hot or cold as they must be";
  return "the files were never " + wanted + ": " + Counted(*record.dropped, "sample") + " dropped";
}

// The limit that is measured beside each load and start-up.
using LimitsBeside = std::map<const Run*, Run*>;

// Makes and verifies the limits that the verified loads are held against, one for all loads of one checkpoint and kind.
LimitsBeside AddLimits(std::span<Run* const> asked, Session& session, std::vector<std::unique_ptr<Run>>& owned,
                       std::vector<Run*>& runs) {
  std::map<std::tuple<std::string, int, std::string>, Run*> made;
  LimitsBeside beside;
  for (Run* run : asked) {
    if (run->record.status != Status::kOk || Interrupted()) continue;
    const std::optional<Run::WantedLimit> wanted = run->Limit();
    if (!wanted) continue;
    // How many threads these take does not depend on the load. torch::pickle_load reads the same file in another form.
    const int threads = wanted->kind == "disk" || wanted->kind == "h2d" ? 0 : wanted->threads;
    Run*& limit = made[{wanted->kind, threads, run->tested().group()}];
    if (limit == nullptr) {
      limit = owned.emplace_back(MakeLimitBeside(run->tested(), wanted->kind, threads, wanted->files, session)).get();
      limit->record.format = run->record.format;  // a file of the user's own has one once it was opened
      VerifyRun(*limit, /*all_devices=*/false);
      runs.push_back(limit);
    }
    beside[run] = limit;
  }
  return beside;
}

// Bytes per nanosecond, or runs, by round.
std::map<std::uint64_t, double> Rates(const Record& record, bool of_bytes) {
  std::map<std::uint64_t, double> rates;
  const double work = of_bytes ? static_cast<double>(*record.bytes) : 1;
  for (const Sample& sample : record.samples) {
    rates.emplace(sample.round, work / static_cast<double>(sample.wall_ns));
  }
  return rates;
}

// Holds every load and start-up against its limit, round by round.
void CompareWithLimits(std::span<Run* const> asked, const LimitsBeside& beside) {
  for (Run* run : asked) {
    Record& record = run->record;
    if (record.status != Status::kOk) continue;
    if (record.batch) record.items_per_second = static_cast<double>(*record.batch) * 1e9 / Median(WallNs(record));
    const auto found = beside.find(run);
    if (found == beside.end()) continue;
    std::vector<double> parts;
    const bool of_bytes = found->second->record.bytes.has_value();
    const std::map<std::uint64_t, double> limits = Rates(found->second->record, of_bytes);
    for (const auto& [round, rate] : Rates(record, of_bytes)) {
      const auto limit = limits.find(round);
      if (limit != limits.end()) parts.push_back(rate / limit->second);
    }
    if (parts.empty()) continue;
    const Case& limit = found->second->tested();
    record.limit = limit.path;
    if (of_bytes) record.limit += "/threads:" + std::to_string(*found->second->record.threads);
    record.part_of_limit = Median(parts);
  }
}

// Runs that share the data or the machine's temporary folder see each other.
std::vector<std::string> SharedFolders(const SuiteOptions& options) {
  std::error_code none;
  return {options.data, std::filesystem::temp_directory_path(none).string()};
}

// Says at once which other runs measure now; `told` is the last sentence.
void TellOfOtherRuns(const Surroundings& surroundings, const std::string& program, std::string& told) {
  const std::string now = surroundings.OtherRuns();
  if (now == told) return;
  std::cerr << program << ": warning: " << now << std::endl;
  told = now;
}

// What was measured is still worth its table if the disk has filled up since the file was opened.
void Write(TextOutput& json, SuiteResult& result) {
  try {
    WriteResults(json, result.context, result.records, result.notes);
  } catch (const CheckpointError& error) {
    result.exit.messages.emplace_back(error.what());
    if (result.exit.code == 0) result.exit.code = 1;
  }
}

CostsByCase CostsBefore(const SuiteOptions& options) {
  try {
    return ReadCosts(options.costs);
  } catch (const std::runtime_error& error) {
    const bool absent = !std::filesystem::exists(options.costs);
    throw UsageError(std::string("--costs ") + error.what() +
                     (absent ? "; --write-costs " + options.costs + " writes it" : "; name a file of --write-costs"));
  }
}

// A costs file is written anew, and nothing else is replaced.
void RequireNoOtherFile(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) return;
  try {
    ReadCosts(path);
  } catch (const std::runtime_error& error) {
    throw UsageError(std::string("--write-costs ") + error.what() + ", and would be replaced; name another file");
  }
}

// The costs of the run, with the file of each load.
CostsByCase CostsNow(std::span<const Record> records, std::span<Run* const> runs, const Session& session) {
  CostsByCase costs = CostsOf(records);
  for (const Run* run : runs) {
    const auto found = costs.find(run->record.name);
    const Case& one = run->tested();
    if (found == costs.end() || one.checkpoint) continue;
    found->second.file = session.FileOf(one.models.front(), one.format, one.file_layout).sha256;
  }
  return costs;
}

void HoldCosts(const CostsByCase& before, const CostsByCase& now, const std::vector<Case>& catalogue,
               std::span<Run* const> asked, const SuiteOptions& options, SuiteResult& result) {
  std::vector<std::string> there, chosen;
  for (const Case& one : catalogue) there.push_back(one.name());
  for (const Run* run : asked) chosen.push_back(run->record.name);
  CostComparison comparison = CompareCosts(before, now, there, chosen);
  for (const Run* run : asked) {
    if (run->record.varying.empty()) continue;
    comparison.findings.push_back(run->record.name +
                                  ": not the same in every sample: " + CommaList(run->record.varying));
  }
  if (comparison.other_files > 0) {
    std::cerr << options.program << ": " << Counted(comparison.other_files, "case")
              << (comparison.other_files == 1 ? " loads another file" : " load other files") << " than those that "
              << options.costs << " was written with: bytes_read and read_calls are not compared, nor what is mapped\n";
  }
  if (comparison.findings.empty()) return;
  auto& messages = result.exit.messages;
  messages.insert(messages.end(), comparison.findings.begin(), comparison.findings.end());
  messages.push_back(Counted(comparison.findings.size(), "cost") + " not as in " + options.costs + "; --write-costs " +
                     options.costs + " writes those of this run");
  if (result.exit.code == 0) result.exit.code = 1;
}

}  // namespace

// Outputs of a device that is not the CPU are compared with Python's of the CPU: without TF32.
void OpenDevices(const SuiteOptions& options) {
  for (const DeviceName& device : options.devices) {
    try {
      if (!OpenDevice(device.text()).is_cpu()) DisableTf32();
    } catch (const DeviceError& error) {
      // Of all devices, the cases of one that is not there are skipped.
      if (!options.all_devices) throw UsageError(std::string("--") + error.what() + "; use --device cpu");
    }
  }
}

void VerifyRun(Run& run, bool all_devices) {
  const auto ended = [&run](Status status, const std::string& reason) {
    // A signal of the terminal ends the process of a startup sample too: that is no answer.
    if (Interrupted()) return;
    run.record.status = status;
    run.record.reason = reason;
  };
  if (Interrupted()) return;
  try {
    run.Verify();
  } catch (const MissingData& missing) {
    run.missing_data = true;
    ended(Status::kSkipped, ReasonOf(missing));
  } catch (const NotMade& not_made) {
    run.not_made = true;
    ended(Status::kSkipped, ReasonOf(not_made));
  } catch (const Skipped& skipped) {
    ended(Status::kSkipped, ReasonOf(skipped));
  } catch (const DeviceError& error) {
    run.no_device = all_devices;
    ended(all_devices ? Status::kSkipped : Status::kError, ReasonOf(error));
  } catch (const BadInput& error) {
    run.bad_input = true;
    ended(Status::kError, ReasonOf(error));
  } catch (const std::exception& error) {
    ended(Status::kError, ReasonOf(error));
  }
}

std::vector<Case> ChosenCases(const SuiteOptions& options, std::span<const Model> models) {
  return Chosen(options, CatalogueFor(options, models), models);
}

SuiteResult RunSuite(const SuiteOptions& options, std::span<const Model> models) {
  NoteInterrupts();
  OpenDevices(options);
  const std::vector<Case> catalogue = CatalogueFor(options, models);
  std::vector<Case> chosen = Chosen(options, catalogue, models);
  SuiteResult result;
  if (chosen.empty()) {
    result.exit = {kNothingToDo, {"no " + std::string(Name(*options.kind)) + " case is among those that are chosen"}};
    return result;
  }
  for (const std::string& output : {options.json, options.google.out, options.write_costs}) KeepInputs(options, output);
  std::optional<TextOutput> json, costs;
  if (!options.json.empty()) json.emplace(options.json);
  if (!options.write_costs.empty()) {
    RequireNoOtherFile(options.write_costs);
    costs.emplace(options.write_costs);
  }
  const CostsByCase before = options.costs.empty() ? CostsByCase{} : CostsBefore(options);
  if (!options.google.out.empty()) RequireWritable(options.google.out);

  result.context = DescribeRun(options);
  result.notes.caches = CpuCaches();
  Surroundings surroundings(SharedFolders(options));
  std::string told;
  TellOfOtherRuns(surroundings, options.program, told);
  Session session(models, options.data, options.quick, options.make_data, options.twins);
  std::vector<std::unique_ptr<Run>> owned;
  std::vector<Run*> runs, verified;
  for (const Case& one : chosen) {
    owned.push_back(MakeRun(one, session));
    Run& run = *owned.back();
    runs.push_back(&run);
    surroundings.Look();
    VerifyRun(run, options.all_devices);
  }
  const std::vector<Run*> asked = runs;
  const LimitsBeside beside = AddLimits(asked, session, owned, runs);
  for (Run* run : runs) {
    if (run->record.status == Status::kOk) verified.push_back(run);
  }
  surroundings.EndPart();
  TakeSamples(verified, options, [&] { surroundings.Look(); });
  surroundings.EndPart();
  TellOfOtherRuns(surroundings, options.program, told);
  result.notes.warnings = surroundings.Warnings();
  result.notes.memory_was_returned = MemoryWasReturned();
  for (Run* run : runs) {
    Record& record = run->record;
    if (record.status == Status::kOk && record.samples.empty()) {
      record.status = Status::kSkipped;
      record.reason = record.dropped ? NotKept(record) : "interrupted before it was measured";
    }
    if (record.status != Status::kOk) ClearTimes(record);
  }
  CompareWithLimits(asked, beside);
  result.notes.interrupted = Interrupted();
  result.exit = ExitStatusOf(asked, options.filter, result.notes.interrupted);
  ReportToGoogleBenchmark(runs, options, result.context);
  for (const Run* run : runs) result.records.push_back(run->record);
  if (json) Write(*json, result);
  if (result.notes.interrupted) return result;
  if (options.costs.empty() && !costs) return result;
  const CostsByCase now = CostsNow(result.records, asked, session);
  const bool right = result.exit.code == 0;
  if (!options.costs.empty()) HoldCosts(before, now, catalogue, asked, options, result);
  if (costs && right) costs->Write(CostsText(now));
  if (costs && !right)
    result.exit.messages.push_back(options.write_costs + ": is not written: not every case was right");
  return result;
}

}  // namespace loadpath
