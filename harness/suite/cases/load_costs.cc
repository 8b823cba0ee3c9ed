#include "harness/suite/cases/load_costs.h"

#include <c10/core/Allocator.h>

#include <algorithm>
#include <set>

namespace loadpath {

ExactCosts CostsOf(const LoadOutcome& outcome) {
  std::uint64_t loaded = 0, mapped = 0;
  std::optional<std::uint64_t> copied = 0, read = outcome.opened.bytes_read, calls = outcome.opened.read_calls;
  const auto add = [](std::optional<std::uint64_t>& sum, std::optional<std::uint64_t> more) {
    sum = sum && more ? std::optional(*sum + *more) : std::nullopt;  // one that is not known leaves the sum unknown
  };
  for (const LoadResult& result : outcome.results) {
    loaded += result.bytes_loaded;
    mapped += result.bytes_mapped;
    add(copied, result.bytes_copied);
    add(read, result.bytes_read);
    add(calls, result.read_calls);
  }
  ExactCosts costs = {
      {"bytes", loaded}, {"allocations", outcome.allocated.allocations}, {"bytes_allocated", outcome.allocated.bytes}};
  if (mapped > 0) costs["bytes_mapped"] = mapped;
  if (copied) costs["bytes_copied"] = *copied;
  if (read) costs["bytes_read"] = *read;
  if (calls) costs["read_calls"] = *calls;
  return costs;
}

Sample SampleOf(const LoadOutcome& outcome) {
  double open = outcome.open_seconds, plan = 0, load = 0, resident = 0;
  std::uint64_t mapped = 0;
  for (const LoadResult& result : outcome.results) {
    open += result.seconds.open;
    plan += result.seconds.plan;
    load += result.seconds.load;
    resident += result.seconds.resident;
    mapped += result.bytes_mapped;
  }
  Sample sample{.wall_ns = Ns(outcome.seconds),
                .cpu_ns = outcome.used.cpu_ns,
                .phases_ns = {{"open", Ns(open)}, {"plan", Ns(plan)}, {"load", Ns(load)}},
                .costs = CostsOf(outcome),
                .minor_faults = outcome.used.minor_faults,
                .major_faults = outcome.used.major_faults};
  if (mapped > 0) sample.phases_ns["resident"] = Ns(resident);
  std::int64_t rest = sample.wall_ns;
  for (const auto& [phase, ns] : sample.phases_ns) rest -= ns;
  sample.phases_ns["rest"] = std::max<std::int64_t>(0, rest);
  return sample;
}

void NoteOutcome(const LoadOutcome& outcome, Record& record) {
  std::uint64_t fallen = 0, tensors = 0;
  for (const LoadResult& result : outcome.results) {
    fallen += result.tensors_fallen_back;
    tensors += result.loaded.size();
    for (const CrcStatus status : result.crc) ++record.crc[std::string(Name(status))];
    if (!result.fallback.empty()) record.fallback = result.fallback;
    if (!result.choice.empty()) record.choice = result.choice;
  }
  record.tensors = tensors;
  if (fallen > 0) record.tensors_fallen_back = fallen;
}

std::uint64_t AnonymousBytes(std::span<const std::shared_ptr<torch::nn::Module>> modules) {
  const auto own = c10::GetAllocator(c10::kCPU)->raw_deleter();
  std::set<const c10::StorageImpl*> seen;
  std::uint64_t bytes = 0;
  const auto add = [&](const std::vector<at::Tensor>& tensors) {
    for (const at::Tensor& tensor : tensors) {
      if (!tensor.is_cpu() || tensor.storage().data_ptr().get_deleter() != own) continue;
      if (seen.insert(tensor.storage().unsafeGetStorageImpl()).second) bytes += tensor.storage().nbytes();
    }
  };
  for (const auto& module : modules) {
    add(module->parameters());
    add(module->buffers());
  }
  return bytes;
}

}  // namespace loadpath
