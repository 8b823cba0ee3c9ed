#include "harness/suite/report/google_benchmark.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/command_line/command_line.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/interrupt.h"
#include "harness/suite/report/complete_reporter.h"

namespace loadpath {
namespace {

// Our table comes at the end: nothing is printed meanwhile.
class Silent : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<benchmark::BenchmarkReporter::Run>&) override {}
};

class ProgressLine {
 public:
  explicit ProgressLine(std::size_t total) : total_(total), shown_(isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (done_ > 0) Show("");
  }
  void Step(const std::string& name) {
    done_ = std::min(done_ + 1, total_);
    Show(std::string("[").append(std::to_string(done_)).append("/").append(std::to_string(total_)).append("] ") + name);
  }

 private:
  void Show(const std::string& text) const {
    if (!shown_) return;
    // A line that is broken by the terminal cannot be cleared.
    std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(LineWidth(STDERR_FILENO, 101)) - 1, text.c_str());
    std::fflush(stderr);
  }
  std::size_t total_, done_ = 0;
  bool shown_;
};

// Samples that a repetition takes: fast cases take several, so that percentiles exist; 50 ms of work at most.
std::int64_t SamplesInARow(const loadpath::Run& run, bool quick) {
  constexpr double kWork = 0.05;
  const CaseKindRow& kind = RowOf(run.tested().kind);
  if (run.tested().cache == CacheState::kCold || run.tested().kind == CaseKind::kStartup) return 1;
  const std::int64_t most = quick ? 2 : 50, least = quick ? 1 : kind.least_samples;
  const double seconds = std::max(run.estimate, 1e-9);
  const auto fits = static_cast<std::int64_t>(std::min(1e6, kWork / seconds));
  return std::clamp<std::int64_t>(fits, seconds < kWork ? least : 1, most);
}

// A sample that was not taken: so long that Google Benchmark wants no more of them. Its row is not reported.
constexpr double kNoSample = 1e6;

// Returns false if the repetition is not whole.
bool TakeRepetition(loadpath::Run& run, benchmark::State& state) {
  Record& record = run.record;
  bool whole = true;
  for ([[maybe_unused]] auto _ : state) {
    double seconds = kNoSample;
    whole = whole && record.status == Status::kOk && !Interrupted();
    if (whole) {
      try {
        seconds = run.Sample();
        record.samples_ns.push_back(std::max<std::int64_t>(1, std::llround(seconds * 1e9)));
      } catch (const std::exception& error) {
        whole = false;
        seconds = kNoSample;
        // A signal of the terminal ends the process of a startup sample too.
        if (!Interrupted()) {
          record.status = Status::kError;
          record.reason = ReasonOf(error);
        }
      }
    }
    state.SetIterationTime(seconds);
  }
  if (record.bytes) state.SetBytesProcessed(static_cast<std::int64_t>(*record.bytes) * state.iterations());
  if (record.batch) state.SetItemsProcessed(static_cast<std::int64_t>(*record.batch) * state.iterations());
  return whole;
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

// Drops the samples of the calls before the last `wanted`: Google Benchmark's repetitions come last, after the calls
// that warm a case up or find how many samples a repetition needs. `begins`: of each call, how many samples were there
// before. Then notes how many repetitions took a sample.
void KeepRepetitions(const std::vector<std::size_t>& begins, std::size_t wanted, Record& record) {
  const std::size_t first = begins.size() - std::min(begins.size(), wanted);
  const std::size_t dropped = first < begins.size() ? begins[first] : 0;
  std::uint64_t repetitions = 0;
  for (std::size_t i = first; i < begins.size(); ++i) {
    const std::size_t end = i + 1 < begins.size() ? begins[i + 1] : record.samples_ns.size();
    if (end > begins[i]) ++repetitions;
  }
  record.repetitions = repetitions;
  const auto drop = [dropped](auto& samples) {
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(std::min(dropped, samples.size())));
  };
  drop(record.samples_ns);
  drop(record.cpu_ns);
  drop(record.minor_faults);
  drop(record.major_faults);
  for (auto& [phase, samples] : record.phases_ns) drop(samples);
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
  std::vector<std::string> flags = {
      "--benchmark_color=auto", "--benchmark_format=console",  "--benchmark_list_tests=false",
      "--benchmark_out=",       "--benchmark_out_format=json", "--benchmark_enable_random_interleaving=true"};
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

void TakeSamples(std::span<Run* const> verified, std::span<Run* const> not_timed, const SuiteOptions& options,
                 const Context& context, const std::function<void()>& between) {
  const GoogleFlags& google = options.google;
  for (const auto& [name, value] : context) {
    if (name != "date") benchmark::AddCustomContext(name, value);  // Google Benchmark writes that itself
  }
  ProgressLine progress(verified.size() * static_cast<std::size_t>(options.repetitions));
  std::vector<bool> whole(verified.size(), true);
  std::vector<std::vector<std::size_t>> begins(verified.size());
  for (std::size_t i = 0; i < verified.size(); ++i) {
    loadpath::Run& run = *verified[i];
    auto* registered = benchmark::RegisterBenchmark(run.record.name.c_str(), [&, i](benchmark::State& state) {
      if (!Interrupted()) {
        progress.Step(run.record.name);
        between();
      }
      begins[i].push_back(run.record.samples_ns.size());
      if (!TakeRepetition(run, state)) whole[i] = false;
    });
    registered->UseManualTime()->Repetitions(options.repetitions);
    if (!google.min_time) registered->Iterations(SamplesInARow(run, options.quick));
  }

  const auto is_good = [&whole](std::size_t i) { return whole.at(i); };
  const auto rows_without_time = [&] {
    std::vector<CompleteReporter::NotTimed> rows;
    for (const loadpath::Run* run : not_timed) {
      rows.push_back({run->record.name, std::string(Name(run->record.status)) + ": " + OneLine(run->record.reason)});
    }
    for (std::size_t i = 0; i < verified.size(); ++i) {
      const Record& record = verified[i]->record;
      if (whole[i]) continue;
      rows.push_back({record.name, record.status == Status::kOk ? "interrupted" : "error: " + OneLine(record.reason)});
    }
    return rows;
  };
  Silent silent;
  CompleteReporter display(google.display ? *benchmark::CreateDefaultDisplayReporter() : silent, is_good,
                           rows_without_time);
  const auto file_reporter = MakeFileReporter(google.out_format);
  CompleteReporter file(*file_reporter, is_good, rows_without_time);
  CompleteReporter* const wanted_file = google.out.empty() ? nullptr : &file;
  if (verified.empty()) {
    ReportWithoutBenchmarks(display, wanted_file, google.out);
  } else {
    // Every benchmark that is registered: the environment's BENCHMARK_FILTER chooses none.
    benchmark::RunSpecifiedBenchmarks(&display, wanted_file, ".");
  }
  for (std::size_t i = 0; i < verified.size(); ++i) {
    KeepRepetitions(begins[i], static_cast<std::size_t>(options.repetitions), verified[i]->record);
  }
  benchmark::Shutdown();
}

}  // namespace loadpath
