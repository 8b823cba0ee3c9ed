#ifndef LOADPATH_PROGRESS_H_
#define LOADPATH_PROGRESS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace loadpath {

/// Reports how far reading is, and cancels it. Copies share one count, so that several calls of Checkpoint::Read can be
/// one progress from 0 to the end.
///
///     loadpath::Progress([](std::uint64_t done, std::uint64_t total) { return !stop_was_pressed; })
class Progress {
 public:
  /// Called as report(done, total), in bytes of tensors. Returns false to cancel: the read then throws CheckpointError
  /// kCancelled. It is called by the thread that called Checkpoint::Read, one call at a time: at the beginning, about
  /// every 16 MiB or 50 ms, and with done == total when everything was read and checked. It is never called if there is
  /// nothing to read. An exception that it throws cancels too, and is passed on.
  using Report = std::function<bool(std::uint64_t done, std::uint64_t total)>;

  /// Reports nothing and costs nothing.
  Progress() = default;
  /// `report` may also return nothing: then it cannot cancel. An empty std::function reports nothing.
  template <typename Function>
  // NOLINTNEXTLINE(google-explicit-constructor): a function stands where progress is wanted
  requires std::is_invocable_v<Function&, std::uint64_t, std::uint64_t> Progress(Function report)
      : Progress(Wrap(), Answering(std::move(report))) {}

  /// Announces that at least `bytes` more will be read, so that `total` is right from the first call on. Each call of
  /// Checkpoint::Read announces its own bytes: only whoever makes several needs this.
  void Expect(std::uint64_t bytes) const;

  /// Returns the same progress, but its answer is ignored: for reads that must not stop half-way.
  Progress WithoutCancelling() const;

  explicit operator bool() const { return state_ != nullptr; }

 private:
  friend class ReadProgress;
  struct State;
  struct Wrap {};
  Progress(Wrap, Report report);
  template <typename Function>
  static Report Answering(Function report) {
    using Answer = std::invoke_result_t<Function&, std::uint64_t, std::uint64_t>;
    if constexpr (std::is_void_v<Answer>) {
      std::function<void(std::uint64_t, std::uint64_t)> tell(std::move(report));
      if (!tell) return {};
      return [tell = std::move(tell)](std::uint64_t done, std::uint64_t total) {
        tell(done, total);
        return true;
      };
    } else {
      return Report(std::move(report));
    }
  }

  std::shared_ptr<State> state_;
  bool cancels_ = true;
};

}  // namespace loadpath

#endif  // LOADPATH_PROGRESS_H_
