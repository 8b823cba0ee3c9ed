#include "harness/suite/google_benchmark.h"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace loadpath::bench {
namespace {

// Our table comes at the end: nothing is printed meanwhile.
class Silent : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<benchmark::BenchmarkReporter::Run>&) override {}
};

class Progress {
 public:
  explicit Progress(std::size_t total) : total_(total), shown_(isatty(STDERR_FILENO) == 1) {}
  ~Progress() { Show("", true); }
  void Step(const std::string& name) {
    std::string text(1, '[');
    text.append(std::to_string(std::min(++done_, total_)))
        .append("/")
        .append(std::to_string(total_))
        .append("] ")
        .append(name);
    Show(text, false);
  }

 private:
  void Show(const std::string& text, bool last) {
    if (!shown_ || (last && done_ == 0)) return;
    std::fprintf(stderr, "\r\033[K%.100s", text.c_str());
    std::fflush(stderr);
  }
  std::size_t total_, done_ = 0;
  bool shown_;
};

// Loads per repetition: fast cases take several, so that percentiles exist; 50 ms of work at most.
std::int64_t Iterations(const class Run& run, const Options& options) {
  if (run.which().cache == "cold" || run.which().kind == "startup") return 1;
  const std::int64_t most = options.quick ? 2 : 50, least = run.which().kind == "forward" && !options.quick ? 10 : 1;
  const double seconds = std::max(run.estimate, 1e-9);
  const auto fits = static_cast<std::int64_t>(std::min(1e6, 0.05 / seconds));
  return std::clamp<std::int64_t>(fits, seconds < 0.05 ? least : 1, most);
}

void Take(class Run& run, benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    double seconds = 0;
    if (run.record.status == "ok") {
      try {
        seconds = run.Sample();
        run.record.samples_ns.push_back(std::max<std::int64_t>(1, std::llround(seconds * 1e9)));
      } catch (const std::exception& error) {
        run.record.status = "error";
        run.record.reason = error.what();
      }
    }
    state.SetIterationTime(seconds);
  }
  if (run.record.status != "ok") state.SetLabel("error: " + run.record.reason);
  if (run.record.bytes) state.SetBytesProcessed(static_cast<std::int64_t>(*run.record.bytes) * state.iterations());
  if (run.record.batch) state.SetItemsProcessed(*run.record.batch * state.iterations());
}

}  // namespace

void TakeSamples(std::span<const std::unique_ptr<class Run>> runs, const Options& options,
                 const loadpath::Context& context) {
  std::vector<std::string> flags = {"bench", "--benchmark_enable_random_interleaving=true"};
  flags.insert(flags.end(), options.google_flags.begin(), options.google_flags.end());
  std::vector<char*> argv;
  for (auto& flag : flags) argv.push_back(flag.data());
  int argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data());
  if (argc > 1)
    throw UsageError(std::string(argv[1]) +
                     ": not a flag of this Google Benchmark, or not a value of it; bench --help lists the flags");
  for (const auto& [name, value] : context) benchmark::AddCustomContext(name, value);

  Progress progress(runs.size() * static_cast<std::size_t>(options.repetitions));
  for (const auto& run : runs) {
    auto* registered =
        benchmark::RegisterBenchmark(run->record.name.c_str(), [&run, &progress](benchmark::State& state) {
          progress.Step(run->record.name);
          Take(*run, state);
        });
    registered->UseManualTime()->Repetitions(options.repetitions);
    if (!options.google_min_time) registered->Iterations(Iterations(*run, options));
  }
  if (options.google_format) {
    benchmark::RunSpecifiedBenchmarks();
  } else if (!runs.empty()) {
    Silent silent;
    benchmark::RunSpecifiedBenchmarks(&silent);
  }
  benchmark::Shutdown();
}

}  // namespace loadpath::bench
