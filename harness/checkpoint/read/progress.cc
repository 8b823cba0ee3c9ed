#include "loadpath/progress.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

#include "harness/checkpoint/read/read_progress.h"
#include "loadpath/error.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kEveryBytes = std::uint64_t{16} << 20;
constexpr std::chrono::milliseconds kEvery(50);
constexpr std::uint64_t kNever = ~std::uint64_t{0};

}  // namespace

struct Progress::State {
  using Clock = std::chrono::steady_clock;

  explicit State(Report function) : report(std::move(function)) {}

  const Report report;
  std::mutex mutex;  // held while `report` runs
  std::atomic<std::uint64_t> done{0}, total{0};
  std::atomic<std::uint64_t> told{kNever};  // `done` at the last report
  std::atomic<Clock::time_point> told_at{};
};

Progress::Progress(Wrap, Report report) {
  if (report) state_ = std::make_shared<State>(std::move(report));
}

void Progress::Expect(std::uint64_t bytes) const {
  if (state_ == nullptr) return;
  const std::uint64_t needed = state_->done + bytes;
  std::uint64_t total = state_->total;
  while (total < needed && !state_->total.compare_exchange_weak(total, needed)) {
  }
}

Progress Progress::WithoutCancelling() const {
  Progress same = *this;
  same.cancels_ = false;
  return same;
}

ReadProgress::ReadProgress(const Progress& progress, const std::string& file, std::uint64_t bytes)
    : progress_(progress), file_(file) {
  progress_.Expect(bytes);
  if (bytes > 0) Tell();
}

Progress ReadProgress::Fresh(const Progress& progress) {
  if (!progress) return {};
  // The old state's lock keeps it one call at a time, if several loads have one function.
  Progress fresh(Progress::Wrap(), [state = progress.state_](std::uint64_t done, std::uint64_t total) {
    const std::lock_guard lock(state->mutex);
    return state->report(done, total);
  });
  fresh.cancels_ = progress.cancels_;
  return fresh;
}

void ReadProgress::Count(std::uint64_t bytes) const { progress_.state_->done += bytes; }

void ReadProgress::TellIfDue() const {
  const Progress::State& state = *progress_.state_;
  const std::uint64_t done = state.done, told = state.told;
  if (done >= state.total) return;  // the checksums come first, then Finish
  if (told != kNever && done - told < kEveryBytes && Progress::State::Clock::now() - state.told_at.load() < kEvery)
    return;
  Report(done);
}

void ReadProgress::Finish() const {
  if (!progress_) return;
  const Progress::State& state = *progress_.state_;
  const std::uint64_t done = state.done;
  if (done > 0 && done >= state.total) Report(done);
}

void ReadProgress::Report(std::uint64_t done) const {
  Progress::State& state = *progress_.state_;
  const std::lock_guard lock(state.mutex);
  if (state.told != kNever && done <= state.told) return;  // another thread told more meanwhile
  const std::uint64_t total = std::max<std::uint64_t>(done, state.total);
  state.told = done;
  bool go_on = true;
  try {
    go_on = state.report(done, total);
  } catch (...) {
    if (progress_.cancels_) throw;
  }
  state.told_at = Progress::State::Clock::now();
  if (go_on || !progress_.cancels_) return;
  throw CheckpointError(ErrorCode::kCancelled, file_,
                        "was cancelled after " + std::to_string(done) + " of " + std::to_string(total) + " bytes");
}

}  // namespace loadpath
