#include <ATen/ATen.h>

#include <algorithm>
#include <tuple>

#include "harness/load/prepare.h"

namespace loadpath {
namespace {

constexpr std::size_t kWindow = std::size_t{64} << 20;

std::byte* BytesOf(const at::Tensor& tensor) { return static_cast<std::byte*>(tensor.data_ptr()); }

// Why bytes cannot go straight from the file into the tensor's memory; empty where they can.
std::string_view Obstacle(const TensorView& view, const at::Tensor& target) {
  if (!target.device().is_cpu()) return "on another device";
  if (ToScalarType(view.dtype) != target.scalar_type()) return "of another dtype";
  if (view.conj || view.neg) return "conjugated or negated";
  if (!view.IsContiguous()) return "strided in the file";
  if (!target.is_contiguous() || target.is_conj() || target.is_neg()) return "strided in the module";
  return {};
}

// Two keys may name the same memory (tied weights): the later key wins, as when they are copied one after the other.
// Keys whose memory overlaps otherwise are marked false: one reader at a time cannot be kept to there.
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

// Reads all that the jobs will read and keeps nothing, through one buffer of 64 MiB or the largest job's size, so that
// a load that writes in place fails before its first write.
void ReadForChecksums(const Checkpoint& checkpoint, std::vector<ReadJob> jobs, const ReadOptions& options,
                      ReadReport& sum) {
  std::size_t largest = 0;
  for (const ReadJob& job : jobs) largest = std::max(largest, job.dst.size());
  const std::size_t window = std::max(largest, kWindow);
  const at::Tensor buffer = at::empty({static_cast<std::int64_t>(window)}, at::kByte);
  for (std::size_t begin = 0, end = 0; begin < jobs.size(); begin = end) {
    for (std::size_t used = 0; end < jobs.size() && used + jobs[end].dst.size() <= window; ++end) {
      jobs[end].dst = {BytesOf(buffer) + used, jobs[end].dst.size()};
      used += jobs[end].dst.size();
    }
    Add(checkpoint.Read(std::span(jobs).subspan(begin, end - begin), options), sum);
  }
}

// `again`: which jobs were read before, which has said what became of their checksums.
void Read(const Checkpoint& checkpoint, std::span<const ReadJob> jobs, const std::vector<bool>& again,
          const ReadOptions& options, ReadReport& sum) {
  const bool verified = std::ranges::find(again, true) != again.end();
  try {
    ReadReport report = checkpoint.Read(jobs, options);
    std::size_t i = 0;
    std::erase_if(report.crc, [&](CrcStatus) { return again[i++]; });
    Add(report, sum);
  } catch (const CheckpointError& error) {
    if (!verified) throw;
    throw CheckpointError(error.code(), error.file(),
                          error.sentence() + "; it changed while it was loaded, and the module was partly loaded",
                          error.record(), error.offset());
  }
}

}  // namespace

LoadResult LoadDirect(const LoadRequest& request) {
  if (request.device != at::kCPU) return LoadStaged(request);
  LoadResult result;
  const Prepared prepared = Prepare(request, /*assign=*/false, result);
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

  std::vector<ReadJob> jobs;
  std::vector<bool> again;
  std::vector<ReadJob> live;  // whose destinations' present bytes a load that fails would lose
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (taken[i] == nullptr) continue;
    const PlannedTensor& planned = *taken[i];
    if (!own[i]) {
      fallback.Add(planned, "overlapping in the module");
      continue;
    }
    const TensorView& view = checkpoint.tree().tensor(planned.source);
    jobs.push_back({.storage = view.storage,
                    .begin = static_cast<std::uint64_t>(view.storage_offset) * ItemSize(view.dtype),
                    .dst = {BytesOf(planned.target), planned.target.nbytes()},
                    .dtype = view.dtype});
    again.push_back(!DeferredInit::WillFill(planned.target));
    if (again.back()) live.push_back(jobs.back());
  }
  if (!live.empty()) ReadForChecksums(checkpoint, std::move(live), request.read, result.read);
  // What falls back is copied first: it fails whole or not at all, and what follows was read once already.
  if (!fallback.tensors().empty()) {
    const ApplyReport report = ApplyCopy(checkpoint, fallback.tensors(), request.read);
    Add(report.read, result.read);
    result.bytes_copied += report.bytes_copied;
  }
  Read(checkpoint, jobs, again, request.read, result.read);
  for (const PlannedTensor& planned : prepared.tensors) planned.target.unsafeGetTensorImpl()->bump_version();
  fallback.Report("copy", result);
  result.seconds.load = watch.Lap();
  return result;
}

}  // namespace loadpath
