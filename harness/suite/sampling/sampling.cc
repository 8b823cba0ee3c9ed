#include "harness/suite/sampling/sampling.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>

#include "harness/base/stopwatch.h"
#include "harness/command_line/command_line.h"
#include "harness/measure/page_cache.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/sampling/interrupt.h"
#include "harness/suite/sampling/schedule.h"

namespace loadpath {
namespace {

class ProgressLine {
 public:
  ProgressLine() : shown_(isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (used_) Show("");
  }
  void Step(std::size_t turn, std::size_t turns, std::uint64_t round, const std::string& name) {
    used_ = true;
    Show(std::string("[round ")
             .append(std::to_string(round + 1))
             .append(", ")
             .append(std::to_string(turn + 1))
             .append("/")
             .append(std::to_string(turns))
             .append("] ") +
         name);
  }

 private:
  void Show(const std::string& text) const {
    if (!shown_) return;
    // A line that is broken by the terminal cannot be cleared.
    std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(LineWidth(STDERR_FILENO, 101)) - 1, text.c_str());
    std::fflush(stderr);
  }
  bool used_ = false, shown_;
};

// How long a run goes on.
struct Budget {
  static constexpr std::uint64_t kUsualRounds = 20, kQuickRounds = 3, kMostRounds = 1'000'000;
  static constexpr double kUsualSeconds = 300;

  explicit Budget(const SuiteOptions& options) {
    const bool timed = options.time > 0 || options.google.min_time > 0;
    if (options.samples > 0) {
      most = static_cast<std::uint64_t>(options.samples);
    } else if (options.quick) {
      most = kQuickRounds;
    } else {
      most = timed ? kMostRounds : kUsualRounds;
      least = kQuickRounds;
    }
    if (options.time > 0) {
      seconds = options.time;
    } else if (least > 0 && !timed) {
      seconds = kUsualSeconds;
    }
    seconds_of_each = options.google.min_time;
  }

  std::uint64_t most = kMostRounds, least = 0;
  double seconds = std::numeric_limits<double>::infinity();
  double seconds_of_each = 0;  ///< enough once every case has been timed for so long
};

// Takes one sample. Returns false if the run is wrong or was interrupted.
bool TakeOne(Run& run, bool check, std::uint64_t round, std::uint64_t position) {
  Record& record = run.record;
  try {
    Sample sample = run.TakeSample(check);
    sample.round = round;
    sample.position = position;
    run.Keep(std::move(sample));
    return true;
  } catch (const NotAsWanted&) {
    record.dropped = record.dropped.value_or(0) + 1;  // its file did not get hot this once
    return true;
  } catch (const std::exception& error) {
    // A signal of the terminal ends the process of a startup sample too.
    if (!Interrupted()) {
      record.status = Status::kError;
      record.reason = ReasonOf(error);
    }
    return false;
  }
}

bool TimedFor(const Run& run, double seconds) {
  double sum = 0;
  for (const Sample& sample : run.record.samples) sum += static_cast<double>(sample.wall_ns) * 1e-9;
  return sum >= seconds || run.record.status != Status::kOk;
}

}  // namespace

void TakeSamples(std::span<Run* const> verified, const SuiteOptions& options, const std::function<void()>& between) {
  const Budget budget(options);
  Schedule schedule(verified.size(), options.seed);
  ProgressLine progress;
  Stopwatch watch;
  double spent = 0, longest = 0;
  std::uint64_t position = 0;
  for (std::uint64_t round = 0; round < budget.most && !Interrupted(); ++round) {
    // A round that would end after the budget is not begun.
    if (round > 0 && round >= budget.least && spent + longest > budget.seconds) break;
    if (std::ranges::none_of(verified, [](const Run* run) { return run->record.status == Status::kOk; })) break;
    const auto is_done = [&](const Run* run) { return TimedFor(*run, budget.seconds_of_each); };
    if (budget.seconds_of_each > 0 && std::ranges::all_of(verified, is_done)) break;
    const std::vector<Turn> turns = schedule.NextRound();
    for (std::size_t turn = 0; turn < turns.size() && !Interrupted(); ++turn) {
      Run& run = *verified[turns[turn].run];
      if (run.record.status != Status::kOk) continue;
      progress.Step(turn, turns.size(), round, run.record.name);
      between();
      const std::uint64_t taken = run.record.samples.size();
      for (int i = 0; i < RowOf(run.tested().kind).samples_in_a_row; ++i) {
        if (Interrupted() || !TakeOne(run, turns[turn].check && i == 0, round, position++)) break;
      }
      if (run.record.samples.size() > taken) run.record.repetitions = run.record.repetitions.value_or(0) + 1;
    }
    const double lap = watch.Lap();
    spent += lap;
    longest = std::max(longest, lap);
  }
}

}  // namespace loadpath
