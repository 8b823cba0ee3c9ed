#include "bench/ckpt_digest.h"

#include <malloc.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>
#include <unordered_map>

#include "harness/checkpoint/sha256.h"

namespace loadpath::ckpt {
namespace {

std::size_t Cores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1u, std::thread::hardware_concurrency());
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
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
  std::unordered_map<NodeId, std::size_t> first_place;
  std::vector<std::size_t> distinct;
  std::vector<std::uint64_t> sizes;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!first_place.emplace(tensors[i].node, i).second) continue;
    distinct.push_back(i);
    sizes.push_back(checkpoint.tree().tensor(tensors[i].node).nbytes());
  }
  std::vector<std::string> digests(tensors.size());
  const ReadOptions read = {.threads = 1, .crc = crc};
  ForEachLargestFirst(sizes, [&](std::size_t i) {
    const std::size_t at = distinct[i];
    digests[at] = Sha256(ReadTensor(checkpoint, checkpoint.tree().tensor(tensors[at].node), read));
  });
  for (std::size_t i = 0; i < tensors.size(); ++i) digests[i] = digests[first_place.at(tensors[i].node)];
  return digests;
}

}  // namespace loadpath::ckpt
