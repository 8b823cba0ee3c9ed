#include "harness/state/recorded_fills.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <limits>
#include <utility>

#include "harness/state/own_writes.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

// Returns true if no byte of the views' one storage lies outside of all of them.
bool CoverStorage(LoadedViews views) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;  // begin, end
  for (const auto& [storage, tensor] : views) {
    if (!tensor->is_non_overlapping_and_dense()) continue;
    const std::uint64_t begin = static_cast<std::uint64_t>(tensor->storage_offset()) * tensor->itemsize();
    ranges.emplace_back(begin, begin + tensor->nbytes());
  }
  std::ranges::sort(ranges);
  std::uint64_t covered = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin > covered) return false;
    covered = std::max(covered, end);
  }
  return covered >= views.front().first->nbytes();
}

// Runs fills of the views' storage and keeps the views' bytes.
void RunAround(LoadedViews views, const Fills& fills) {
  const OwnWrites own;
  const c10::impl::ExcludeDispatchKeyGuard guard(kDeferredInitKey);
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> bytes;
  for (const auto& [storage, view] : views) bytes.push_back(view->detach().clone());
  const auto restore = [&] {
    for (std::size_t i = 0; i < views.size(); ++i) views[i].second->detach().copy_(bytes[i]);
  };
  try {
    RunAll(fills);
  } catch (...) {
    restore();
    throw;
  }
  restore();
}

// Returns how many of the fills are of that tensor.
std::size_t CountOf(const std::list<Fill>& fills, const c10::TensorImpl* original) {
  return static_cast<std::size_t>(std::ranges::count(fills, original, &Fill::original));
}

// Returns true if anything but these fills of one storage holds it.
bool UsedByOthers(const std::list<Fill>& fills) { return fills.front().alias().storage().use_count() > fills.size(); }

}  // namespace

void RecordedFills::Record(Fill fill) {
  const Lock lock(mutex_);
  fill.order = next_order_++;
  const c10::StorageImpl* storage = fill.storage();
  std::list<Fill>& fills = entries_[storage].fills;
  Origin& origin = origins_[fill.original()];
  if (origin.storage != storage) origin = {storage, CountOf(fills, fill.original())};
  ++origin.fills;
  fills.push_back(std::move(fill));
  Watch();
}

// There is an observer while there is a fill, recorded or running, that an operation could meet.
void RecordedFills::Watch() {
  const bool needed = !entries_.empty();
  if (needed == watching_) return;
  watch_(needed);
  watching_ = needed;
}

// Waits until no thread runs fills of the storage. Returns its entry, or nullptr if it has none.
RecordedFills::Entry* RecordedFills::WaitFor(const c10::StorageImpl* storage, Lock& lock) {
  for (;;) {
    const auto found = entries_.find(storage);
    if (found == entries_.end()) return nullptr;
    if (found->second.running == nullptr) return &found->second;
    idle_.wait(lock);
  }
}

// Removes and returns the fills up to the order `last`.
Fills RecordedFills::Take(Entry& entry, std::uint64_t last) {
  const auto end = std::ranges::find_if(entry.fills, [&](const Fill& fill) { return fill.order > last; });
  Fills taken(std::make_move_iterator(entry.fills.begin()), std::make_move_iterator(end));
  entry.fills.erase(entry.fills.begin(), end);
  for (const Fill& fill : taken) {
    const auto origin = origins_.find(fill.original());
    if (origin == origins_.end() || origin->second.storage != fill.storage()) continue;
    if (--origin->second.fills == 0) origins_.erase(origin);
  }
  return taken;
}

// Fills end outside the lock, after it: what the end of a tensor calls must not find it locked.
void RecordedFills::Drop(const c10::StorageImpl* storage, Fills& done) {
  const auto found = entries_.find(storage);
  std::ranges::move(Take(found->second, kAll), std::back_inserter(done));
  entries_.erase(found);
  Watch();
}

// Runs fills that were taken from the entry, without the lock.
void RecordedFills::RunOutside(Lock& lock, Entry& entry, const Fills& fills,
                               const std::function<void(const Fills&)>& run) {
  std::exception_ptr error;
  entry.running = &fills;
  lock.unlock();
  try {
    run(fills);
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  entry.running = nullptr;
  if (entry.fills.empty()) entries_.erase(fills.front().storage());
  Watch();
  idle_.notify_all();
  if (error) std::rethrow_exception(error);
}

void RecordedFills::Run(const c10::StorageImpl* storage) {
  Fills due;
  Lock lock(mutex_);
  Entry* entry = WaitFor(storage, lock);
  if (entry == nullptr) return;
  due = Take(*entry, kAll);
  RunOutside(lock, *entry, due, RunAll);
}

// Returns the order and the storage of every fill of the owner. Those that another thread runs come last, as kAll.
RecordedFills::Orders RecordedFills::OrdersOf(const void* owner) const {
  Orders orders;
  for (const auto& [storage, entry] : entries_) {
    const auto is_running = entry.running != nullptr && std::ranges::count(*entry.running, owner, &Fill::owner) > 0;
    if (is_running) orders.emplace_back(kAll, storage);
    for (const Fill& fill : entry.fills) {
      if (fill.owner() == owner) orders.emplace_back(fill.order, storage);
    }
  }
  std::ranges::sort(orders);
  return orders;
}

// Takes no fill before its turn, so that other threads can run those that they need meanwhile.
void RecordedFills::Finish(const void* owner) {
  std::exception_ptr error;
  Lock lock(mutex_);
  for (const auto& [order, storage] : OrdersOf(owner)) {
    Entry* entry = WaitFor(storage, lock);
    if (entry == nullptr || order == kAll) continue;
    Fills due = Take(*entry, order);
    if (due.empty()) continue;
    try {
      RunOutside(lock, *entry, due, RunAll);
    } catch (...) {
      if (!error) error = std::current_exception();
    }
    lock.unlock();
    due.clear();
    lock.lock();
  }
  if (error) std::rethrow_exception(error);
}

void RecordedFills::DropUnused(const void* owner) {
  Fills done;
  const Lock lock(mutex_);
  for (const auto& [order, storage] : OrdersOf(owner)) {
    const auto found = entries_.find(storage);
    if (found == entries_.end() || found->second.running != nullptr) continue;
    if (!UsedByOthers(found->second.fills)) Drop(storage, done);
  }
}

void RecordedFills::Forget(std::span<const at::Tensor> tensors) {
  Fills done;
  Lock lock(mutex_);
  if (entries_.empty()) return;
  std::vector<const c10::StorageImpl*> left;
  std::vector<LoadedView> loaded;
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.has_storage()) continue;
    const c10::StorageImpl* storage = tensor.storage().unsafeGetStorageImpl();
    if (entries_.contains(storage)) loaded.emplace_back(storage, &tensor);
    const auto origin = origins_.find(tensor.unsafeGetTensorImpl());
    if (origin != origins_.end() && origin->second.storage != storage) left.push_back(origin->second.storage);
  }
  for (const c10::StorageImpl* storage : left) {
    const auto found = entries_.find(storage);
    if (found == entries_.end() || found->second.running != nullptr) continue;
    if (!UsedByOthers(found->second.fills)) Drop(storage, done);
  }
  // Those of one storage stand together then. The storages are taken in the order of the load, because fills may run
  // and draw random numbers.
  std::ranges::stable_sort(loaded, std::less<>(), &LoadedView::first);
  std::vector<LoadedViews> groups;
  for (std::size_t begin = 0, end = 0; begin < loaded.size(); begin = end) {
    while (end < loaded.size() && loaded[end].first == loaded[begin].first) ++end;
    groups.push_back(LoadedViews(loaded).subspan(begin, end - begin));
  }
  std::ranges::sort(groups, std::less<>(), [](LoadedViews views) { return views.front().second; });
  for (const LoadedViews views : groups) ForgetLoaded(lock, views, done);
}

void RecordedFills::ForgetLoaded(Lock& lock, LoadedViews views, Fills& done) {
  const c10::StorageImpl* storage = views.front().first;
  Entry* entry = WaitFor(storage, lock);
  if (entry == nullptr) return;
  if (CoverStorage(views)) {
    Drop(storage, done);
  } else {
    const Fills due = Take(*entry, kAll);
    RunOutside(lock, *entry, due, [&](const Fills& fills) { RunAround(views, fills); });
  }
}

bool RecordedFills::WillFill(const at::Tensor& tensor) {
  Lock lock(mutex_);
  const Entry* entry = WaitFor(tensor.storage().unsafeGetStorageImpl(), lock);
  return entry != nullptr &&
         std::ranges::any_of(entry->fills, [&](const Fill& fill) { return fill.WritesAllOf(tensor); });
}

bool RecordedFills::WillFillAlone(const at::Tensor& tensor) {
  Lock lock(mutex_);
  const Entry* entry = WaitFor(tensor.storage().unsafeGetStorageImpl(), lock);
  // All of the fills were called on this very tensor: else Forget would not find them once it has other memory.
  return entry != nullptr && !entry->fills.empty() && tensor.storage().use_count() == entry->fills.size() + 1 &&
         std::ranges::all_of(entry->fills, [&](const Fill& fill) {
           return fill.original() == tensor.unsafeGetTensorImpl() && fill.WritesAllOf(tensor);
         });
}

std::size_t RecordedFills::Count(const void* owner) const {
  const Lock lock(mutex_);
  std::size_t count = 0;
  for (const auto& [storage, entry] : entries_) {
    count += static_cast<std::size_t>(std::ranges::count(entry.fills, owner, &Fill::owner));
  }
  return count;
}

}  // namespace loadpath
