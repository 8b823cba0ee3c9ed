#include "harness/suite/cases/load_costs.h"

#include <c10/core/Allocator.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "harness/golden/check_outputs.h"
#include "harness/results/costs.h"

namespace loadpath {
namespace {

std::int64_t Ns(double seconds) { return std::max<std::int64_t>(1, std::llround(seconds * 1e9)); }

}  // namespace

void NoteCosts(std::span<const LoadResult> results, const AllocationCounts& allocated, const ReadReport& opened,
               Record& record) {
  std::uint64_t loaded = 0, mapped = 0, fallen = 0;
  std::optional<std::uint64_t> copied = 0, read = opened.bytes_read, calls = opened.read_calls;
  const auto add = [](std::optional<std::uint64_t>& sum, std::optional<std::uint64_t> more) {
    sum = sum && more ? std::optional(*sum + *more) : std::nullopt;  // one that is not known leaves the sum unknown
  };
  for (const LoadResult& result : results) {
    loaded += result.bytes_loaded;
    mapped += result.bytes_mapped;
    add(copied, result.bytes_copied);
    add(read, result.bytes_read);
    add(calls, result.read_calls);
    fallen += result.tensors_fallen_back;
    for (const CrcStatus status : result.crc) ++record.crc[std::string(Name(status))];
    if (!result.fallback.empty()) record.fallback = result.fallback;
  }
  record.bytes = loaded;
  record.bytes_read = read;
  record.bytes_copied = copied;
  record.read_calls = calls;
  if (mapped > 0) record.bytes_mapped = mapped;
  if (fallen > 0) record.tensors_fallen_back = fallen;
  record.allocations = allocated.allocations;
  record.bytes_allocated = allocated.bytes;
}

void RequireSameCosts(std::span<const LoadResult> results, const AllocationCounts& allocated, const ReadReport& opened,
                      const Record& record) {
  Record again;
  NoteCosts(results, allocated, opened, again);
  const auto differences = CostDifferences(CostsOf(record), CostsOf(again));
  if (!differences.empty())
    throw WrongAnswer("its exact costs differ from one load to the next: " + differences.front());
}

void NoteSample(std::span<const LoadResult> results, double open_seconds, const ProcessCounters& used, Record& record) {
  double open = open_seconds, plan = 0, load = 0, resident = 0;
  for (const LoadResult& result : results) {
    open += result.seconds.open;
    plan += result.seconds.plan;
    load += result.seconds.load;
    resident += result.seconds.resident;
  }
  record.phases_ns["open"].push_back(Ns(open));
  record.phases_ns["plan"].push_back(Ns(plan));
  record.phases_ns["load"].push_back(Ns(load));
  if (record.bytes_mapped) {
    record.phases_ns["mapped"].push_back(Ns(open + plan + load));
    record.phases_ns["resident"].push_back(Ns(resident));
  }
  record.cpu_ns.push_back(used.cpu_ns);
  record.minor_faults.push_back(static_cast<std::int64_t>(used.minor_faults));
  record.major_faults.push_back(static_cast<std::int64_t>(used.major_faults));
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
