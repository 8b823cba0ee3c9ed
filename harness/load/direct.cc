#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "harness/load/prepare.h"

namespace loadpath {
namespace {

constexpr std::size_t kAheadWindow = std::size_t{64} << 20;

std::byte* BytesOf(const at::Tensor& tensor) { return static_cast<std::byte*>(tensor.data_ptr()); }

// Returns the first byte behind the last element.
const std::byte* EndOf(const at::Tensor& tensor) {
  std::int64_t last = 0;
  for (std::int64_t i = 0; i < tensor.dim(); ++i) last += (tensor.size(i) - 1) * tensor.stride(i);
  return BytesOf(tensor) + static_cast<std::size_t>(last + 1) * tensor.itemsize();
}

// Sets to nullptr all but the last of the keys that name the same memory (tied weights): the last one wins, as when
// they are copied one after the other. Returns false for keys whose memory overlaps otherwise: these must be written
// one after the other, in the plan's order.
std::vector<bool> OwnMemory(std::vector<const PlannedTensor*>& tensors) {
  struct Range {
    const std::byte* begin;
    const std::byte* end;
    std::size_t index;  // in the plan's order
  };
  std::vector<Range> ranges;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i] != nullptr) ranges.push_back({BytesOf(tensors[i]->target), EndOf(tensors[i]->target), i});
  }
  std::ranges::sort(ranges, {}, [](const Range& range) { return std::tuple(range.begin, range.end, range.index); });
  const auto same = [&](const Range& a, const Range& b) {
    const at::Tensor &one = tensors[a.index]->target, &other = tensors[b.index]->target;
    return one.is_same(other) || (a.begin == b.begin && a.end == b.end && one.is_contiguous() && other.is_contiguous());
  };
  std::vector<bool> own(tensors.size(), true);
  for (std::size_t k = 1, widest = 0; k < ranges.size(); ++k) {
    const Range &a = ranges[widest], &b = ranges[k];
    if (same(a, b)) {
      // What overlaps with one of the two overlaps with both.
      own[b.index] = own[a.index];
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

// Reads everything that the jobs `live` will read, so that a load that writes in place fails before its first write,
// and `jobs` with them if they fit into kAheadWindow: then the bytes are returned, one after the other. Else an
// undefined tensor is returned, and all is read again.
at::Tensor ReadAhead(const Checkpoint& checkpoint, std::vector<ReadJob> live, std::vector<ReadJob>& jobs,
                     const ReadOptions& options, LoadResult& result) {
  std::size_t largest = 0;
  for (const ReadJob& job : live) largest = std::max(largest, job.dst.size());
  const std::size_t all = BytesOf(live), window = std::max(largest, std::min(all, kAheadWindow));
  const at::Tensor buffer = at::empty({static_cast<std::int64_t>(window)}, at::kByte);
  for (std::size_t begin = 0, end = 0; begin < live.size(); begin = end) {
    for (std::size_t used = 0; end < live.size() && used + live[end].dst.size() <= window; ++end) {
      live[end].dst = {BytesOf(buffer) + used, live[end].dst.size()};
      used += live[end].dst.size();
    }
    if (all <= kAheadWindow) {
      // In the file's order, in which a disk gives them faster than in two passes.
      live.insert(live.end(), jobs.begin(), jobs.end());
      jobs.clear();
      AddCosts(checkpoint.Read(live, options), result);
      return buffer;
    }
    AddCosts(checkpoint.Read(std::span(live).subspan(begin, end - begin), options), result);
  }
  return {};
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

}  // namespace

std::string_view ObstacleToReading(const TensorView& view, const at::Tensor& target) {
  if (!target.device().is_cpu()) return "on another device";
  if (ToScalarType(view.dtype) != target.scalar_type()) return "of another dtype";
  if (view.conj || view.neg) return "conjugated or negated";
  if (!view.IsContiguous()) return "strided in the file";
  if (!target.is_contiguous() || target.is_conj() || target.is_neg()) return "strided in the module";
  return {};
}

void ReadInto(std::span<const PlannedTensor> tensors, const Checkpoint& checkpoint, const ReadOptions& options,
              LoadResult& result) {
  const auto in_memory = [](const at::Tensor& target) {
    return target.device().is_cpu() && target.has_storage() && target.numel() > 0;
  };
  std::vector<const PlannedTensor*> last;  // of the keys that name its memory
  for (const PlannedTensor& planned : tensors) last.push_back(in_memory(planned.target) ? &planned : nullptr);
  const std::vector<bool> own = OwnMemory(last);

  Fallback fallback;
  std::vector<ReadJob> jobs, live;  // live: a failed load would lose what their destinations hold
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const PlannedTensor& planned = tensors[i];
    const TensorView& view = checkpoint.tree().tensor(planned.source);
    if (last[i] == nullptr && in_memory(planned.target)) continue;
    const std::string_view obstacle = ObstacleToReading(view, planned.target);
    if (!obstacle.empty() || !own[i]) {
      fallback.Add(planned, obstacle.empty() ? "overlapping in the module" : obstacle);
      continue;
    }
    if (planned.target.numel() == 0) continue;
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
  if (options.progress) {
    options.progress.Expect(BytesOf(jobs) + BytesOf(live) * (BytesOf(live) <= kAheadWindow ? 1 : 2) +
                            BytesToCopy(checkpoint, fallback.tensors(), options));
  }
  const at::Tensor ahead = live.empty() ? at::Tensor() : ReadAhead(checkpoint, live, jobs, options, result);
  // This fails whole or not at all, or else recorded fills undo it.
  if (!fallback.tensors().empty()) {
    AddCosts(ApplyCopy(checkpoint, fallback.tensors(), options), result);
  }
  if (!jobs.empty()) AddCosts(checkpoint.Read(jobs, options), result);
  if (!live.empty()) WriteInPlace(checkpoint, live, ahead, options, result);
  for (const PlannedTensor& planned : tensors) BumpVersion(planned.target);
  fallback.Report("copy", result);
}

namespace {

LoadResult LoadDirect(const LoadRequest& request) {
  if (request.device != at::kCPU) return LoadStaged(request);
  LoadResult result;
  const Prepared prepared = Prepare(request, "direct", /*assign=*/false, result);
  Stopwatch watch;
  ReadInto(prepared.tensors, *prepared.checkpoint, request.read, result);
  Finish(result);
  result.seconds.load = watch.Lap();
  return result;
}

}  // namespace

const LoadPath direct_path = {.name = "direct",
                              .summary = "read straight into the parameters' memory",
                              .limit = "pread-fresh",
                              .load = LoadDirect};

}  // namespace loadpath
