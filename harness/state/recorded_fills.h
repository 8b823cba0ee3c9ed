#ifndef LOADPATH_HARNESS_STATE_RECORDED_FILLS_H_
#define LOADPATH_HARNESS_STATE_RECORDED_FILLS_H_

#include <ATen/core/Tensor.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/state/fill.h"

namespace loadpath {

/// A tensor that was loaded, behind its storage.
using LoadedView = std::pair<const c10::StorageImpl*, const at::Tensor*>;
using LoadedViews = std::span<const LoadedView>;

/// The fills that were recorded and did not run yet, of all objects and threads, by the storage that they write to.
/// Thread-safe. The fills of a storage run in the order in which they were recorded, whoever recorded them. No lock is
/// held while they run: other threads wait for the storages that they need and for nothing else.
class RecordedFills {
 public:
  /// Calls `watch` with true before the first fill is recorded, and with false when none is left. It runs under the
  /// lock.
  explicit RecordedFills(std::function<void(bool)> watch) : watch_(std::move(watch)) {}

  void Record(Fill fill);

  /// Runs the fills of a storage. If another thread does that, waits until it has.
  void Run(const c10::StorageImpl* storage);
  /// Runs all fills of an owner, and those that were recorded before one of them for the same storage. Throws what the
  /// first that failed threw, after the others ran.
  void Finish(const void* owner);
  /// Forgets the fills of an owner for memory that nothing but the fills of it holds.
  void DropUnused(const void* owner);

  /// Takes tensors that were loaded, all those of one load together. Fills of a storage that they cover whole do not
  /// run any more. If they cover a part of it, the fills run and the tensors keep their bytes. If a tensor got other
  /// memory, the fills of the memory that it left stay recorded for whoever still uses that; else they are forgotten.
  void Forget(std::span<const at::Tensor> tensors);

  /// Returns true if a recorded fill will write all elements of the tensor.
  bool WillFill(const at::Tensor& tensor);
  /// Returns true if, besides, nothing but the tensor and recorded fills of it uses its memory.
  bool WillFillAlone(const at::Tensor& tensor);
  /// Returns how many fills of an owner are recorded.
  std::size_t Count(const void* owner) const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Orders = std::vector<std::pair<std::uint64_t, const c10::StorageImpl*>>;

  struct Entry {
    std::list<Fill> fills;           // of one, nearly always: the first of a deque takes 600 bytes
    const Fills* running = nullptr;  // those that a thread has taken from here and runs
  };

  // The storage of the last fill of a tensor, and how many of its fills are recorded there.
  struct Origin {
    const c10::StorageImpl* storage = nullptr;
    std::size_t fills = 0;
  };

  Entry* WaitFor(const c10::StorageImpl* storage, Lock& lock);
  Fills Take(Entry& entry, std::uint64_t last);
  Orders OrdersOf(const void* owner) const;
  void Drop(const c10::StorageImpl* storage, Fills& done);
  void RunOutside(Lock& lock, Entry& entry, const Fills& fills, const std::function<void(const Fills&)>& run);
  void ForgetLoaded(Lock& lock, LoadedViews views, Fills& done);
  void Watch();

  mutable std::mutex mutex_;  // guards the other members
  std::condition_variable idle_;
  std::unordered_map<const c10::StorageImpl*, Entry> entries_;  // none is empty and idle
  std::unordered_map<const c10::TensorImpl*, Origin> origins_;  // where the originals were filled
  std::uint64_t next_order_ = 0;
  bool watching_ = false;
  const std::function<void(bool)> watch_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_RECORDED_FILLS_H_
