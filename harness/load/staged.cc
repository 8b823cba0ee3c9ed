#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "harness/load/prepare.h"
#include "loadpath/device.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kPinnedWindow = std::uint64_t{64} << 20;
constexpr std::uint64_t kPinnedAlignment = 64;

struct Item {
  const PlannedTensor* planned;
  at::Tensor value;  // where it will lie on the device
};

std::uint64_t Rounded(std::uint64_t bytes) {
  return (bytes + kPinnedAlignment - 1) / kPinnedAlignment * kPinnedAlignment;
}

// Two buffers that take turns: while one is copied to the device, the file is read into the other.
class Stage {
 public:
  Stage(at::Device device, std::uint64_t bytes) : device_(device) {
    const auto options = at::TensorOptions(at::kByte).pinned_memory(device.is_cuda());
    for (auto& buffer : buffers_) buffer = at::empty({static_cast<std::int64_t>(bytes)}, options);
  }

  void Run(const Checkpoint& checkpoint, std::span<Item> window, const ReadOptions& options, LoadResult& result) {
    const at::Tensor& buffer = buffers_[turn_];
    if (copied_[turn_]) copied_[turn_]->synchronize();
    std::vector<ReadJob> jobs;
    std::vector<at::Tensor> sources;
    std::uint64_t at = 0;
    for (const Item& item : window) {
      const TensorView& view = checkpoint.tree().tensor(item.planned->source);
      const std::uint64_t size = item.value.nbytes();
      const at::Tensor bytes = buffer.narrow(0, static_cast<std::int64_t>(at), static_cast<std::int64_t>(size));
      jobs.push_back({.storage = view.storage,
                      .begin = static_cast<std::uint64_t>(view.storage_offset) * ItemSize(view.dtype),
                      .dst = {static_cast<std::byte*>(bytes.data_ptr()), size},
                      .dtype = view.dtype});
      sources.push_back(bytes.view(item.value.scalar_type()).view(item.value.sizes()));
      at += Rounded(size);
    }
    AddCosts(checkpoint.Read(jobs, options), result);
    for (std::size_t i = 0; i < window.size(); ++i) {
      window[i].value.copy_(sources[i], /*non_blocking=*/true);
      *result.bytes_copied += window[i].value.nbytes();
    }
    if (!device_.is_cpu()) {
      copied_[turn_].emplace(device_.type());
      copied_[turn_]->record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
    }
    turn_ ^= 1;
  }

 private:
  at::Device device_;
  std::array<at::Tensor, 2> buffers_;
  std::array<std::optional<c10::Event>, 2> copied_;
  int turn_ = 0;
};

bool CanStage(const TensorView& view, const at::Tensor& target) {
  return !view.conj && !view.neg && view.IsContiguous() && target.is_contiguous() &&
         ToScalarType(view.dtype) == target.scalar_type() && target.nbytes() > 0;
}

}  // namespace

LoadResult LoadStaged(const LoadRequest& request) {
  LoadResult result;
  Prepared prepared = Prepare(request, "staged", /*assign=*/false, result);
  const Checkpoint& checkpoint = *prepared.checkpoint;
  Stopwatch watch;
  const at::NoGradGuard no_grad;

  // One value for each tensor of the module: the last key's, if several name it.
  std::unordered_map<const void*, std::size_t> last;
  for (std::size_t i = 0; i < prepared.tensors.size(); ++i) last[prepared.tensors[i].target.unsafeGetTensorImpl()] = i;
  std::vector<Item> staged;
  std::vector<PlannedTensor> others;
  std::unordered_map<const void*, at::Tensor> values;
  std::uint64_t largest = 0;
  for (std::size_t i = 0; i < prepared.tensors.size(); ++i) {
    const PlannedTensor& planned = prepared.tensors[i];
    if (last[planned.target.unsafeGetTensorImpl()] != i) continue;
    if (CanStage(checkpoint.tree().tensor(planned.source), planned.target)) {
      at::Tensor value = at::empty(planned.target.sizes(), planned.target.options().device(request.device));
      values[planned.target.unsafeGetTensorImpl()] = value;
      largest = std::max<std::uint64_t>(largest, Rounded(value.nbytes()));
      staged.push_back({&planned, std::move(value)});
    } else {
      others.push_back(planned);
      others.back().target = at::empty_like(planned.target, at::TensorOptions(at::kCPU));
    }
  }

  std::uint64_t total = 0;
  for (const Item& item : staged) total += Rounded(item.value.nbytes());
  if (request.read.progress) {
    std::uint64_t bytes = BytesToCopy(checkpoint, others, request.read);
    for (const Item& item : staged) bytes += item.value.nbytes();
    request.read.progress.Expect(bytes);
  }
  const std::uint64_t window = std::max(largest, std::min(kPinnedWindow, total));
  Stage stage(request.device, window);
  for (std::size_t begin = 0, end = 0; begin < staged.size(); begin = end) {
    std::uint64_t used = 0;
    while (end < staged.size() && used + Rounded(staged[end].value.nbytes()) <= window) {
      used += Rounded(staged[end++].value.nbytes());
    }
    stage.Run(checkpoint, std::span(staged).subspan(begin, end - begin), request.read, result);
  }
  if (!others.empty()) {
    AddCosts(ApplyCopy(checkpoint, others, request.read), result);
  }
  Synchronize(request.device);

  // Everything was read: from here on only the device itself can fail.
  std::size_t other = 0;
  for (std::size_t i = 0; i < prepared.tensors.size(); ++i) {
    const PlannedTensor& planned = prepared.tensors[i];
    const void* key = planned.target.unsafeGetTensorImpl();
    if (last[key] != i || values.contains(key)) continue;
    values[key] = others[other++].target.to(request.device);
    if (!request.device.is_cpu()) *result.bytes_copied += values[key].nbytes();
  }
  for (const PlannedTensor& planned : prepared.tensors) Replace(planned, values[planned.target.unsafeGetTensorImpl()]);
  Finish(result);
  // The rest of the module moves too, and has to have its first values for that.
  prepared.own_writes.reset();
  request.module.to(request.device);
  Synchronize(request.device);
  if (!request.device.is_cpu()) {
    result.tensors_fallen_back = prepared.tensors.size();
    result.fallback = "staged: read into pinned memory and copied to " + request.device.str() +
                      ", as copy, direct, assign and mmap all are";
  }
  result.seconds.load = watch.Lap();
  return result;
}

}  // namespace loadpath
