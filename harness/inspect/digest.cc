#include "harness/inspect/digest.h"

#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>
#include <tuple>

#include "harness/base/keyed_hash.h"
#include "harness/base/parallel.h"
#include "harness/base/sha256.h"
#include "harness/checkpoint/limits.h"

namespace loadpath {
namespace {

// Everything that decides a tensor's bytes. Tied weights are two tensors of one view.
using View = std::tuple<StorageId, std::int64_t, Dtype, std::span<const std::int64_t>, std::span<const std::int64_t>,
                        bool, bool>;

struct ViewOrder {
  bool operator()(const View& a, const View& b) const {
    const auto& [storage_a, offset_a, dtype_a, shape_a, stride_a, conj_a, neg_a] = a;
    const auto& [storage_b, offset_b, dtype_b, shape_b, stride_b, conj_b, neg_b] = b;
    const auto plain_a = std::tie(storage_a, offset_a, dtype_a, conj_a, neg_a);
    const auto plain_b = std::tie(storage_b, offset_b, dtype_b, conj_b, neg_b);
    if (plain_a != plain_b) return plain_a < plain_b;
    if (!std::ranges::equal(shape_a, shape_b)) return std::ranges::lexicographical_compare(shape_a, shape_b);
    return std::ranges::lexicographical_compare(stride_a, stride_b);
  }
};

View ViewOf(const TensorView& tensor) {
  return {tensor.storage, tensor.storage_offset, tensor.dtype, tensor.shape, tensor.stride, tensor.conj, tensor.neg};
}

}  // namespace

void ForEachLargestFirst(std::span<const std::uint64_t> sizes, const std::function<void(std::size_t)>& work) {
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return sizes[a] > sizes[b]; });
  ParallelFor(order.size(), Cores(), [&](std::size_t i) { work(order[i]); });
}

void LimitViews(const Checkpoint& checkpoint, std::span<const TensorPath> tensors) {
  HashMap<StorageId, bool> compressed;
  // Of these sums a double is exact enough.
  double views = 0, bytes = 0;
  for (const Storage& storage : checkpoint.storages()) bytes += static_cast<double>(storage.nbytes);
  for (const TensorPath& place : tensors) {
    const TensorView& tensor = checkpoint.tree().tensor(place.node);
    const std::uint64_t whole = checkpoint.storages()[tensor.storage].nbytes;
    // An expanded tensor that is too large is refused when it is read, in a sentence of its own.
    if (tensor.nbytes() > std::max(whole, limits::kExpandedBytes)) continue;
    const auto [known, is_new] = compressed.emplace(tensor.storage, false);
    if (is_new) known->second = tensor.nbytes() > 0 && !checkpoint.Locate(tensor.storage);
    views += static_cast<double>(known->second ? std::max(whole, tensor.nbytes()) : tensor.nbytes());
  }
  if (views <= limits::kViewsRatio * bytes + limits::kExpandedBytes) return;
  char text[160];
  std::snprintf(text, sizeof text,
                "has tensors that overlap: to read each takes %.3g bytes, %.0f times those of their storages; name a "
                "part of them as FILE::KEY",
                views, views / std::max(bytes, 1.0));
  throw CheckpointError(ErrorCode::kLimitExceeded, checkpoint.path(), text);
}

std::vector<std::size_t> FirstOfEqualViews(const Tree& tree, std::span<const TensorPath> tensors) {
  std::map<View, std::size_t, ViewOrder> first_place;
  std::vector<std::size_t> first(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i)
    first[i] = first_place.emplace(ViewOf(tree.tensor(tensors[i].node)), i).first->second;
  return first;
}

std::vector<std::string> DigestTensors(const Checkpoint& checkpoint, std::span<const TensorPath> tensors, CrcMode crc) {
  // Keep a tensor's buffer for the next one. If it went back to the kernel each time, the page faults would cost more
  // than the hashing.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  const std::vector<std::size_t> same = FirstOfEqualViews(checkpoint.tree(), tensors);
  std::vector<std::size_t> distinct;
  std::vector<std::uint64_t> sizes;
  std::vector<TensorPath> views;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (same[i] != i) continue;
    distinct.push_back(i);
    views.push_back({{}, tensors[i].node});
    sizes.push_back(checkpoint.tree().tensor(tensors[i].node).nbytes());
  }
  LimitViews(checkpoint, views);
  std::vector<std::string> digests(tensors.size());
  const ReadOptions read = {.threads = 1, .crc = crc};
  ForEachLargestFirst(sizes, [&](std::size_t i) {
    const std::size_t at = distinct[i];
    digests[at] = Sha256(ReadTensor(checkpoint, checkpoint.tree().tensor(tensors[at].node), read));
  });
  for (std::size_t i = 0; i < tensors.size(); ++i) digests[i] = digests[same[i]];
  return digests;
}

}  // namespace loadpath
