#include "harness/state/recorded_fills.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace loadpath {
namespace {

using Tensors = std::vector<at::Tensor>;

bool CoversStorage(const at::Tensor& tensor) {
  return tensor.is_non_overlapping_and_dense() && tensor.nbytes() >= tensor.storage().nbytes();
}

// Returns true if no byte of the tensors' one storage lies outside of all of them.
bool CoverStorage(const Tensors& tensors) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;  // begin, end
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.is_non_overlapping_and_dense()) continue;
    const std::uint64_t begin = static_cast<std::uint64_t>(tensor.storage_offset()) * tensor.itemsize();
    ranges.emplace_back(begin, begin + tensor.nbytes());
  }
  std::ranges::sort(ranges);
  std::uint64_t covered = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin > covered) return false;
    covered = std::max(covered, end);
  }
  return covered >= tensors.front().storage().nbytes();
}

}  // namespace

thread_local int OwnWrites::count_ = 0;

void RecordedFills::Record(const c10::OperatorHandle& op, torch::jit::Stack arguments) {
  const at::Tensor self = arguments[0].toTensor();
  const c10::impl::ExcludeDispatchKeyGuard guard(kDeferredInitKey);
  {
    // Raise for wrong arguments (a negative standard deviation) here, where the fill was called.
    const at::NoGradGuard no_grad;
    torch::jit::Stack trial = arguments;
    trial[0] = at::empty({0}, self.options());
    op.callBoxed(trial);
  }
  arguments[0] = self.detach();
  const c10::StorageImpl* storage = self.storage().unsafeGetStorageImpl();
  origins_[self.unsafeGetTensorImpl()] = storage;
  fills_[storage].push_back({next_order_++, op, std::move(arguments), self, CoversStorage(self)});
}

void RecordedFills::Run(const Fill& fill) {
  const c10::impl::ExcludeDispatchKeyGuard guard(kDeferredInitKey);
  const at::NoGradGuard no_grad;
  torch::jit::Stack stack = fill.arguments;
  fill.op.callBoxed(stack);
}

// Removes and returns the fills of a storage.
RecordedFills::Fills RecordedFills::Take(const c10::StorageImpl* storage) {
  const auto found = fills_.find(storage);
  if (found == fills_.end()) return {};
  Fills taken = std::move(found->second);
  fills_.erase(found);
  for (const Fill& fill : taken) {
    const auto origin = origins_.find(fill.original.unsafeGetTensorImpl());
    if (origin != origins_.end() && origin->second == storage) origins_.erase(origin);
  }
  return taken;
}

void RecordedFills::Run(const c10::StorageImpl* storage) {
  for (const Fill& fill : Take(storage)) Run(fill);
}

RecordedFills RecordedFills::TakeAll() {
  RecordedFills taken;
  std::swap(taken.fills_, fills_);
  std::swap(taken.origins_, origins_);
  return taken;
}

void RecordedFills::RunAll() {
  Fills all;
  for (auto& [storage, fills] : fills_) std::ranges::move(fills, std::back_inserter(all));
  fills_.clear();
  origins_.clear();
  std::ranges::sort(all, {}, &Fill::order);
  for (const Fill& fill : all) Run(fill);
}

// Returns true if anything but these fills of one storage holds it.
bool RecordedFills::UsedByOthers(const Fills& fills) {
  const at::Tensor alias = fills.front().arguments[0].toTensor();
  const c10::StorageImpl* storage = alias.storage().unsafeGetStorageImpl();
  std::size_t own = fills.size();  // each fill's alias
  std::unordered_map<const c10::TensorImpl*, std::size_t> held;
  for (const Fill& fill : fills) {
    if (fill.original.storage().unsafeGetStorageImpl() != storage) continue;
    // If all that is left of an original are the fills that hold it, it is no other user.
    if (++held[fill.original.unsafeGetTensorImpl()] == fill.original.use_count()) ++own;
  }
  return alias.storage().use_count() > own;
}

void RecordedFills::Forget(std::span<const at::Tensor> tensors) {
  if (fills_.empty()) return;
  std::vector<const c10::StorageImpl*> left;
  std::unordered_map<const c10::StorageImpl*, Tensors> loaded;
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.has_storage()) continue;
    const c10::StorageImpl* storage = tensor.storage().unsafeGetStorageImpl();
    if (fills_.contains(storage)) loaded[storage].push_back(tensor);
    const auto origin = origins_.find(tensor.unsafeGetTensorImpl());
    if (origin != origins_.end() && origin->second != storage) left.push_back(origin->second);
  }
  for (const c10::StorageImpl* storage : left) {
    const auto found = fills_.find(storage);
    if (found != fills_.end() && !UsedByOthers(found->second)) Take(storage);
  }
  const c10::impl::ExcludeDispatchKeyGuard guard(kDeferredInitKey);
  const at::NoGradGuard no_grad;
  for (const auto& [storage, views] : loaded) {
    if (CoverStorage(views)) {
      Take(storage);
      continue;
    }
    Tensors bytes;
    for (const at::Tensor& view : views) bytes.push_back(view.detach().clone());
    Run(storage);
    for (std::size_t i = 0; i < views.size(); ++i) views[i].detach().copy_(bytes[i]);
  }
}

bool RecordedFills::WillFill(const at::Tensor& tensor) const {
  const auto found = fills_.find(tensor.storage().unsafeGetStorageImpl());
  return found != fills_.end() && std::ranges::any_of(found->second, [&](const Fill& fill) {
           return fill.covers_storage || fill.original.is_same(tensor);
         });
}

std::size_t RecordedFills::size() const {
  std::size_t count = 0;
  for (const auto& [storage, fills] : fills_) count += fills.size();
  return count;
}

}  // namespace loadpath
