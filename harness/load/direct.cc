#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "harness/load/prepare.h"

namespace loadpath {
namespace {

constexpr std::size_t kAheadWindow = std::size_t{64} << 20;

std::byte* BytesOf(const at::Tensor& tensor) { return static_cast<std::byte*>(tensor.data_ptr()); }

// Returns why bytes cannot go straight from the file into the tensor's memory; empty if they can.
std::string_view Obstacle(const TensorView& view, const at::Tensor& target) {
  if (!target.device().is_cpu()) return "on another device";
  if (ToScalarType(view.dtype) != target.scalar_type()) return "of another dtype";
  if (view.conj || view.neg) return "conjugated or negated";
  if (!view.IsContiguous()) return "strided in the file";
  if (!target.is_contiguous() || target.is_conj() || target.is_neg()) return "strided in the module";
  return {};
}

// Sets to nullptr all but the last of the keys that name the same memory (tied weights): the last one wins, as when
// they are copied one after the other. Returns false for keys whose memory overlaps otherwise: several threads would
// write there at once.
std::vector<bool> OwnMemory(std::vector<const PlannedTensor*>& tensors) {
  struct Range {
    const std::byte* begin;
    const std::byte* end;
    std::size_t index;  // in the plan's order
  };
  std::vector<Range> ranges;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::byte* begin = BytesOf(tensors[i]->target);
    ranges.push_back({begin, begin + tensors[i]->target.nbytes(), i});
  }
  std::ranges::sort(ranges, {}, [](const Range& range) { return std::tuple(range.begin, range.end, range.index); });
  std::vector<bool> own(tensors.size(), true);
  for (std::size_t k = 1, widest = 0; k < ranges.size(); ++k) {
    const Range &a = ranges[widest], &b = ranges[k];
    if (a.begin == b.begin && a.end == b.end) {
      tensors[a.index] = nullptr;
    } else if (b.begin < a.end) {
      own[a.index] = own[b.index] = false;
    }
    if (b.end >= a.end) widest = k;
  }
  return own;
}

std::uint64_t BytesOf(std::span<const ReadJob> jobs) {
  std::uint64_t bytes = 0;
  for (const ReadJob& job : jobs) bytes += job.dst.size();
  return bytes;
}

// Reads everything that the jobs will read, so that a load that writes in place fails before its first write. Returns
// the bytes one after the other if they fit into kAheadWindow, or else an undefined tensor: they are then read again.
at::Tensor ReadAhead(const Checkpoint& checkpoint, std::vector<ReadJob> jobs, const ReadOptions& options,
                     LoadResult& result) {
  std::size_t largest = 0;
  for (const ReadJob& job : jobs) largest = std::max(largest, job.dst.size());
  const std::size_t all = BytesOf(jobs), window = std::max(largest, std::min(all, kAheadWindow));
  const at::Tensor buffer = at::empty({static_cast<std::int64_t>(window)}, at::kByte);
  for (std::size_t begin = 0, end = 0; begin < jobs.size(); begin = end) {
    for (std::size_t used = 0; end < jobs.size() && used + jobs[end].dst.size() <= window; ++end) {
      jobs[end].dst = {BytesOf(buffer) + used, jobs[end].dst.size()};
      used += jobs[end].dst.size();
    }
    AddCosts(checkpoint.Read(std::span(jobs).subspan(begin, end - begin), options), result);
  }
  return all <= kAheadWindow ? buffer : at::Tensor();
}

// Writes what ReadAhead has read: from `ahead`, or from the file again. The result has the checksums' outcome already.
void WriteInPlace(const Checkpoint& checkpoint, std::span<const ReadJob> jobs, const at::Tensor& ahead,
                  ReadOptions options, LoadResult& result) {
  if (ahead.defined()) {
    const std::byte* from = BytesOf(ahead);
    for (const ReadJob& job : jobs) {
      std::memcpy(job.dst.data(), from, job.dst.size());
      from += job.dst.size();
    }
    *result.bytes_copied += BytesOf(jobs);
    return;
  }
  options.progress = options.progress.WithoutCancelling();
  try {
    ReadReport report = checkpoint.Read(jobs, options);
    report.crc.clear();
    AddCosts(report, result);
  } catch (const CheckpointError& error) {
    throw CheckpointError(error.code(), error.file(),
                          error.sentence() + "; it changed while it was loaded, and the module was partly loaded",
                          error.record(), error.offset());
  }
}

// Returns true if a load that fails would lose what a tensor holds: no recorded fill restores it.
bool HoldsValues(const PlannedTensor& planned) {
  return planned.target.numel() > 0 && !DeferredInit::WillFill(planned.target);
}

LoadResult LoadDirect(const LoadRequest& request) {
  if (request.device != at::kCPU) return LoadStaged(request);
  LoadResult result;
  const Prepared prepared = Prepare(request, "direct", /*assign=*/false, result);
  const Checkpoint& checkpoint = *prepared.checkpoint;
  Stopwatch watch;

  Fallback fallback;
  std::vector<const PlannedTensor*> taken;
  for (const PlannedTensor& planned : prepared.tensors) {
    const std::string_view obstacle = Obstacle(checkpoint.tree().tensor(planned.source), planned.target);
    if (obstacle.empty()) {
      if (planned.target.nbytes() > 0) taken.push_back(&planned);
    } else {
      fallback.Add(planned, obstacle);
    }
  }
  const std::vector<bool> own = OwnMemory(taken);

  std::vector<ReadJob> jobs, live;  // live: a failed load would lose what their destinations hold
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (taken[i] == nullptr) continue;
    const PlannedTensor& planned = *taken[i];
    if (!own[i]) {
      fallback.Add(planned, "overlapping in the module");
      continue;
    }
    const TensorView& view = checkpoint.tree().tensor(planned.source);
    (HoldsValues(planned) ? live : jobs)
        .push_back({.storage = view.storage,
                    .begin = static_cast<std::uint64_t>(view.storage_offset) * ItemSize(view.dtype),
                    .dst = {BytesOf(planned.target), planned.target.nbytes()},
                    .dtype = view.dtype});
  }
  // The tensors that fall back are copied before the jobs are read. If one of them holds values, no job may fail then.
  if (std::ranges::any_of(fallback.tensors(), HoldsValues)) {
    live.insert(live.end(), jobs.begin(), jobs.end());
    jobs.clear();
  }
  if (request.read.progress) {
    request.read.progress.Expect(BytesOf(jobs) + BytesOf(live) * (BytesOf(live) <= kAheadWindow ? 1 : 2) +
                                 BytesToCopy(checkpoint, fallback.tensors(), request.read));
  }
  const at::Tensor ahead = live.empty() ? at::Tensor() : ReadAhead(checkpoint, live, request.read, result);
  // This fails whole or not at all, or else recorded fills undo it.
  if (!fallback.tensors().empty()) {
    AddCosts(ApplyCopy(checkpoint, fallback.tensors(), request.read), result);
  }
  if (!jobs.empty()) AddCosts(checkpoint.Read(jobs, request.read), result);
  if (!live.empty()) WriteInPlace(checkpoint, live, ahead, request.read, result);
  for (const PlannedTensor& planned : prepared.tensors) planned.target.unsafeGetTensorImpl()->bump_version();
  fallback.Report("copy", result);
  Finish(result);
  result.seconds.load = watch.Lap();
  return result;
}

}  // namespace

const LoadPath load_paths::direct = {.name = "direct",
                                     .summary = "read straight into the parameters' memory",
                                     .limit = "pread-fresh",
                                     .load = LoadDirect,
                                     .keeps_memory = true};

}  // namespace loadpath
