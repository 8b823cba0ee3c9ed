#include "harness/suite/report/google_benchmark.h"

#include <algorithm>
#include <fstream>
#include <memory>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/suite/report/complete_reporter.h"

namespace loadpath {
namespace {

// Our table comes at the end: nothing is printed meanwhile.
class Silent : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<benchmark::BenchmarkReporter::Run>&) override {}
};

// Hands Google Benchmark the samples of a run, one a repetition.
void Replay(const loadpath::Run& run, std::size_t& next, benchmark::State& state) {
  const Record& record = run.record;
  for ([[maybe_unused]] auto _ : state) {
    state.SetIterationTime(static_cast<double>(record.samples.at(next++ % record.samples.size()).wall_ns) * 1e-9);
  }
  if (record.bytes) state.SetBytesProcessed(static_cast<std::int64_t>(*record.bytes) * state.iterations());
  if (record.batch) state.SetItemsProcessed(static_cast<std::int64_t>(*record.batch) * state.iterations());
}

[[noreturn]] void NotAValue(const std::string& flag, const std::string& program) {
  throw UsageError(flag + ": not a value that Google Benchmark takes; " + program + " --help lists the flags");
}

// Google Benchmark prints its usage and exits with 0 if one of these has another value.
void CheckValue(const std::string& flag, const std::string& program) {
  const std::size_t equals = flag.find('=');
  const std::string name = flag.substr(0, equals), value = equals == std::string::npos ? "" : flag.substr(equals + 1);
  const bool format = name == "--benchmark_format" || name == "--benchmark_out_format";
  if (format && value != "console" && value != "json" && value != "csv") NotAValue(flag, program);
  if (name == "--benchmark_color" && value.empty()) NotAValue(flag, program);
}

std::unique_ptr<benchmark::BenchmarkReporter> MakeFileReporter(const std::string& format) {
  if (format == "console") return std::make_unique<benchmark::ConsoleReporter>(benchmark::ConsoleReporter::OO_None);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  if (format == "csv") return std::make_unique<benchmark::CSVReporter>();
#pragma GCC diagnostic pop
  return std::make_unique<benchmark::JSONReporter>();
}

// Google Benchmark reports nothing at all if no benchmark is registered.
void ReportWithoutBenchmarks(benchmark::BenchmarkReporter& display, benchmark::BenchmarkReporter* file,
                             const std::string& out) {
  benchmark::BenchmarkReporter::Context context;
  context.name_field_width = 10;
  if (display.ReportContext(context)) display.Finalize();
  if (file == nullptr) return;
  std::ofstream stream(out);
  file->SetOutputStream(&stream);
  file->SetErrorStream(&stream);
  if (file->ReportContext(context)) file->Finalize();
}

}  // namespace

std::vector<CpuCache> CpuCaches() {
  std::vector<CpuCache> caches;
  for (const auto& cache : benchmark::CPUInfo::Get().caches) {
    caches.push_back({cache.type, cache.level, cache.size, cache.num_sharing});
  }
  return caches;
}

void InitializeGoogleBenchmark(const GoogleFlags& google) {
  // The first ones stand against variables of the environment: BENCHMARK_FORMAT and so on.
  std::vector<std::string> flags = {"--benchmark_color=auto",       "--benchmark_format=console",
                                    "--benchmark_list_tests=false", "--benchmark_out=",
                                    "--benchmark_out_format=json",  "--benchmark_enable_random_interleaving=false",
                                    "--benchmark_min_warmup_time=0"};
  for (const std::string& flag : google.arguments) CheckValue(flag, google.program);
  flags.insert(flags.end(), google.arguments.begin(), google.arguments.end());
  static std::string program;  // Google Benchmark keeps the pointer, and names it in its reports.
  program = google.program;
  std::vector<char*> argv = {program.data()};
  for (auto& flag : flags) argv.push_back(flag.data());
  int argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data());
  if (argc > 1) {
    throw UsageError(std::string(argv[1]) + ": not a flag of this Google Benchmark, or not a value of it; " +
                     google.program + " --help lists the flags");
  }
}

void ReportToGoogleBenchmark(std::span<Run* const> runs, const SuiteOptions& options, const Context& context) {
  const GoogleFlags& google = options.google;
  if (!google.display && google.out.empty()) return;
  for (const auto& [name, value] : context) {
    if (name != "date") benchmark::AddCustomContext(name, value);  // Google Benchmark writes that itself
  }
  std::vector<const Record*> timed;
  std::vector<CompleteReporter::NotTimed> not_timed;
  std::vector<std::size_t> next(runs.size(), 0);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const loadpath::Run& run = *runs[i];
    const Record& record = run.record;
    if (record.status != Status::kOk) {
      not_timed.push_back({record.name, std::string(Name(record.status)) + ": " + OneLine(record.reason)});
      continue;
    }
    timed.push_back(&record);
    benchmark::RegisterBenchmark(record.name.c_str(),
                                 [&run, &next, i](benchmark::State& state) { Replay(run, next[i], state); })
        ->UseManualTime()
        ->Iterations(1)
        ->Repetitions(static_cast<int>(record.samples.size()));
  }
  Silent silent;
  CompleteReporter display(google.display ? *benchmark::CreateDefaultDisplayReporter() : silent, timed, not_timed);
  const auto file_reporter = MakeFileReporter(google.out_format);
  CompleteReporter file(*file_reporter, timed, not_timed);
  CompleteReporter* const wanted_file = google.out.empty() ? nullptr : &file;
  if (timed.empty()) {
    ReportWithoutBenchmarks(display, wanted_file, google.out);
  } else {
    // Every benchmark that is registered: the environment's BENCHMARK_FILTER chooses none.
    benchmark::RunSpecifiedBenchmarks(&display, wanted_file, ".");
  }
  benchmark::Shutdown();
}

}  // namespace loadpath
