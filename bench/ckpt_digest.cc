#include "bench/ckpt_digest.h"

#include <malloc.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>
#include <tuple>

#include "harness/checkpoint/sha256.h"

namespace loadpath::ckpt {
namespace {

std::size_t Cores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1u, std::thread::hardware_concurrency());
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

// What decides a tensor's bytes: tied weights are two tensors of one view.
using View = std::tuple<StorageId, std::int64_t, Dtype, std::span<const std::int64_t>, std::span<const std::int64_t>, bool, bool>;

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
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < order.size();) {
      try {
        work(order[i]);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        if (!failure) failure = std::current_exception();
        next = order.size();
      }
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < std::min(Cores(), order.size()); ++i) threads.emplace_back(run);
  run();
  threads.clear();
  if (failure) std::rethrow_exception(failure);
}

std::vector<std::string> DigestTensors(const Checkpoint& checkpoint, std::span<const TensorPath> tensors, CrcMode crc) {
  // Buffers of one tensor serve for the next: given back to the kernel each time, their page faults would cost more than
  // the hashing.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  std::map<View, std::size_t, ViewOrder> first_place;
  std::vector<std::size_t> same(tensors.size()), distinct;
  std::vector<std::uint64_t> sizes;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorView& tensor = checkpoint.tree().tensor(tensors[i].node);
    same[i] = first_place.emplace(ViewOf(tensor), i).first->second;
    if (same[i] != i) continue;
    distinct.push_back(i);
    sizes.push_back(tensor.nbytes());
  }
  std::vector<std::string> digests(tensors.size());
  const ReadOptions read = {.threads = 1, .crc = crc};
  ForEachLargestFirst(sizes, [&](std::size_t i) {
    const std::size_t at = distinct[i];
    digests[at] = Sha256(ReadTensor(checkpoint, checkpoint.tree().tensor(tensors[at].node), read));
  });
  for (std::size_t i = 0; i < tensors.size(); ++i) digests[i] = digests[same[i]];
  return digests;
}

}  // namespace loadpath::ckpt
