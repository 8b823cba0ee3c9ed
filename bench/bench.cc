// bench: measures ways of loading checkpoints into LibTorch modules. See options.cc for its command line.
#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <map>

#include "harness/load/device.h"
#include "harness/load/mapping_guard.h"
#include "harness/measure/machine.h"
#include "harness/results/statistics.h"
#include "harness/suite/google_benchmark.h"
#include "harness/suite/table.h"

namespace loadpath::bench {
namespace {

std::vector<std::string> Devices(const Options& options) {
  if (options.device != "all") {
    if (!OpenDevice(options.device).is_cpu()) DisableTf32();
    return {options.device};
  }
  std::vector<std::string> devices = {"cpu"};
  try {
    OpenDevice("cuda");
    DisableTf32();
    devices.emplace_back("cuda");
  } catch (const DeviceError&) {
    // "all" is what there is.
  }
  return devices;
}

Context DescribeRun(const Options& options) {
  char date[64];
  const std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S%z", std::localtime(&now));
  Context context = DescribeMachine(std::filesystem::exists(options.data) ? options.data : ".");
  context.insert(context.end(), {{"libtorch", LOADPATH_TORCH_VERSION},
                                 {"cpu_capability", at::get_cpu_capability()},
                                 {"threads", std::to_string(at::get_num_threads())},
                                 {"date", date},
                                 {"command", options.command}});
  return context;
}

// Checks every case once. Those that cannot run or are wrong keep their row and are not timed.
std::vector<std::unique_ptr<Run>> Verify(std::vector<std::unique_ptr<Run>>& runs) {
  std::vector<std::unique_ptr<Run>> good;
  for (auto& run : runs) {
    Record& record = run->record;
    try {
      run->Verify();
      good.push_back(std::move(run));
      continue;
    } catch (const UsageError&) {
      throw;
    } catch (const Skipped& skipped) {
      record.status = "skipped";
      record.reason = skipped.what();
    } catch (const std::exception& error) {
      // A file that the user named and that is not a checkpoint is bad input, not a wrong case.
      if (run->which().checkpoint != nullptr && dynamic_cast<const WrongAnswer*>(&error) == nullptr) {
        throw UsageError(error.what());
      }
      record.status = "error";
      record.reason = error.what();
    }
    record.checked = false;
    record.reason = record.reason.substr(0, record.reason.find('\n'));
  }
  return good;
}

// Holds every load against the best of its kind's limits, over the numbers of threads.
void CompareWithLimits(std::span<Record> records, const std::map<std::string, const Case*>& cases) {
  struct Best {
    double bytes_per_second = 0;
    std::string name;
  };
  std::map<std::string, Best> best;
  for (const Record& record : records) {
    if (record.kind != "limit" || record.status != "ok") continue;
    const double rate = static_cast<double>(*record.bytes) * 1e9 / Median(record.samples_ns);
    if (rate > best[record.path].bytes_per_second)
      best[record.path] = {rate, record.name.substr(record.name.find('/') + 1)};
  }
  for (Record& record : records) {
    if (record.status != "ok") continue;
    const double seconds = Median(record.samples_ns) * 1e-9;
    if (record.batch) record.items_per_second = static_cast<double>(*record.batch) / seconds;
    if (record.kind != "load") continue;
    const auto found = best.find(LimitKind(*cases.at(record.name)));
    if (found == best.end()) continue;
    record.limit = found->second.name;
    record.part_of_limit = static_cast<double>(*record.bytes) / seconds / found->second.bytes_per_second;
  }
}

int Main(const Options& options) {
  const auto devices = Devices(options);
  const std::vector<Case> catalog = Catalog(options, devices);
  std::vector<Case> chosen = Select(options, catalog);
  if (options.list) {
    for (const Case& one : chosen) std::cout << one.Name() << "\n";
    return 0;
  }
  const auto limits = LimitsOf(chosen, catalog);
  chosen.insert(chosen.begin(), limits.begin(), limits.end());

  const Context context = DescribeRun(options);
  Session session(options);
  std::vector<std::unique_ptr<Run>> runs;
  std::map<std::string, const Case*> cases;
  std::vector<std::string> order;
  for (const Case& one : chosen) {
    runs.push_back(MakeRun(one, session));
    cases[one.Name()] = &one;
    order.push_back(one.Name());
  }
  auto good = Verify(runs);
  TakeSamples(good, options, context);

  std::map<std::string, Record> by_name;
  for (const auto* list : {&runs, &good}) {
    for (const auto& run : *list) {
      if (!run) continue;
      if (run->record.status != "ok") {
        run->record.samples_ns.clear();
        run->record.checked = false;
      }
      by_name[run->record.name] = run->record;
    }
  }
  std::vector<Record> records;
  for (const auto& name : order) records.push_back(std::move(by_name.at(name)));
  CompareWithLimits(records, cases);
  if (!options.google_format) std::cout << Table(records, context);
  if (!options.json.empty()) WriteResults(options.json, context, records);
  const bool wrong = std::ranges::any_of(records, [](const Record& record) { return record.status == "error"; });
  return wrong ? 1 : 0;
}

}  // namespace
}  // namespace loadpath::bench

int main(int argc, char** argv) {
  using namespace loadpath;
  using namespace loadpath::bench;
  InstallMappingGuard("bench");
  Options options;
  try {
    if (!ParseOptions(argc, argv, options)) return 0;
    if (!options.startup_sample.empty()) return RunStartupSample(options);
    return bench::Main(options);
  } catch (const UsageError& error) {
    std::cerr << "bench: " << error.what() << "\n";
  } catch (const DeviceError& error) {
    std::cerr << "bench: --" << error.what() << "\n";
  } catch (const std::exception& error) {
    std::cerr << "bench: " << error.what() << "\n";
  }
  return 2;
}
