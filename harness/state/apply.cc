#include "harness/state/apply.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "harness/state/own_writes.h"
#include "harness/state/source_groups.h"
#include "loadpath/deferred_init.h"

namespace loadpath {
namespace {

constexpr std::uint64_t kWindow = std::uint64_t{64} << 20;
constexpr std::uint64_t kPlace = 64;  // groups begin at multiples of it in a window

// Consecutive groups that are in memory together.
struct Window {
  std::size_t begin, end;
  std::uint64_t nbytes;
};

std::uint64_t Placed(std::uint64_t nbytes) { return (nbytes + kPlace - 1) / kPlace * kPlace; }

std::vector<Window> Windows(std::span<const SourceGroup> groups) {
  std::vector<Window> windows;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::uint64_t nbytes = Placed(groups[i].length);
    if (windows.empty() || windows.back().nbytes + nbytes > kWindow) windows.push_back({i, i, 0});
    windows.back().end = i + 1;
    windows.back().nbytes += nbytes;
  }
  return windows;
}

at::Storage Allocate(const Checkpoint& checkpoint, std::uint64_t nbytes) {
  try {
    return at::empty({static_cast<std::int64_t>(nbytes)}, at::kByte).storage();
  } catch (const c10::Error&) {
    throw CheckpointError(
        ErrorCode::kOutOfMemory, checkpoint.path(),
        "needs " + std::to_string(nbytes) + " bytes of memory for its tensors, which could not be had");
  }
}

std::byte* Bytes(const at::Storage& storage) { return static_cast<std::byte*>(storage.mutable_data()); }

void Add(ReadReport& sum, const ReadReport& part) {
  sum.bytes_copied += part.bytes_copied;
  sum.bytes_read += part.bytes_read;
  sum.read_calls += part.read_calls;
  sum.bytes_checked += part.bytes_checked;
  sum.crc.insert(sum.crc.end(), part.crc.begin(), part.crc.end());
}

// Reads groups through one buffer, which is as large as the largest window.
class WindowReader {
 public:
  WindowReader(const Checkpoint& checkpoint, std::span<const SourceGroup> groups)
      : checkpoint_(checkpoint), groups_(groups), windows_(Windows(groups)) {
    std::uint64_t nbytes = 0;
    for (const Window& window : windows_) nbytes = std::max(nbytes, window.nbytes);
    buffer_ = Allocate(checkpoint, nbytes);
  }

  std::span<const Window> windows() const { return windows_; }
  const at::Storage& buffer() const { return buffer_; }

  ReadReport Read(const Window& window, const ReadOptions& options) {
    std::vector<ReadJob> jobs;
    std::uint64_t origin = 0;
    for (std::size_t i = window.begin; i < window.end; ++i) {
      const SourceGroup& group = groups_[i];
      jobs.push_back({group.storage, group.begin, {Bytes(buffer_) + origin, group.length}, group.dtype});
      origin += Placed(group.length);
    }
    return checkpoint_.Read(jobs, options);
  }

  ReadReport ReadAll(const ReadOptions& options) {
    ReadReport report;
    for (const Window& window : windows_) Add(report, Read(window, options));
    return report;
  }

 private:
  const Checkpoint& checkpoint_;
  std::span<const SourceGroup> groups_;
  std::vector<Window> windows_;
  at::Storage buffer_;
};

bool AllWillBeFilled(std::span<const PlannedTensor> tensors) {
  return std::ranges::all_of(tensors, [](const PlannedTensor& planned) {
    return planned.target.numel() == 0 || DeferredInit::WillFill(planned.target);
  });
}

// Returns true if different tensors lie in one storage: then the order of the copies decides which bytes win.
bool TargetsOverlap(std::span<const PlannedTensor> tensors) {
  std::unordered_set<const c10::StorageImpl*> storages;
  return std::ranges::any_of(tensors, [&](const PlannedTensor& planned) {
    return planned.target.numel() > 0 && planned.target.has_storage() &&
           !storages.insert(planned.target.storage().unsafeGetStorageImpl()).second;
  });
}

// A checksum that was asked for needs the whole storage.
GroupExtent ExtentFor(const ReadOptions& options) {
  return options.crc == CrcMode::kOn ? GroupExtent::kWhole : GroupExtent::kWanted;
}

std::vector<SourceGroup> GroupsToCopy(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors,
                                      GroupExtent extent) {
  if (!TargetsOverlap(tensors)) return GroupSources(checkpoint, tensors, extent);
  std::vector<SourceGroup> groups;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    groups.push_back(GroupSources(checkpoint, tensors.subspan(i, 1), extent).front());
    groups.back().users = {static_cast<std::uint32_t>(i)};
  }
  return groups;
}

// A memcpy of a small tensor costs less than copy_; a large one is left to copy_, which uses several threads.
constexpr std::uint64_t kSmall = std::uint64_t{256} << 10;

bool CopySmall(const at::Tensor& target, const std::byte* from, const TensorView& source) {
  if (source.nbytes() > kSmall || source.conj || source.neg || !target.is_cpu() || target.is_conj() ||
      target.is_neg() || target.scalar_type() != ToScalarType(source.dtype) || !target.is_contiguous() ||
      !source.IsContiguous()) {
    return false;
  }
  if (source.nbytes() > 0) std::memcpy(target.mutable_data_ptr(), from, source.nbytes());
  target.unsafeGetTensorImpl()->bump_version();
  return true;
}

std::uint64_t CopyWindow(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors,
                         std::span<const SourceGroup> groups, const Window& window, const at::Storage& buffer) {
  std::uint64_t copied = 0, origin = 0;
  for (std::size_t i = window.begin; i < window.end; ++i) {
    const SourceGroup& group = groups[i];
    for (const std::uint32_t user : group.users) {
      const PlannedTensor& planned = tensors[user];
      const TensorView& source = checkpoint.tree().tensor(planned.source);
      const std::uint64_t offset = source.storage_offset * ItemSize(source.dtype) - group.begin;
      if (!CopySmall(planned.target, Bytes(buffer) + origin + offset, source)) {
        at::Tensor(planned.target).copy_(ViewOf(buffer, origin, group, source, planned));
      }
      copied += planned.target.nbytes();
    }
    origin += Placed(group.length);
  }
  return copied;
}

std::uint64_t BytesOf(std::span<const SourceGroup> groups) {
  std::uint64_t bytes = 0;
  for (const SourceGroup& group : groups) bytes += group.length;
  return bytes;
}

// Returns true if a load that fails half-way would lose what the tensors hold.
bool NeedsVerifying(std::span<const SourceGroup> groups, std::span<const PlannedTensor> tensors) {
  return Windows(groups).size() > 1 && !AllWillBeFilled(tensors);
}

}  // namespace

std::vector<PlannedTensor> LastOfEach(std::vector<PlannedTensor> tensors) {
  std::unordered_set<const c10::TensorImpl*> seen;
  seen.reserve(tensors.size());
  const auto is_earlier = [&](const PlannedTensor& planned) {
    return !seen.insert(planned.target.unsafeGetTensorImpl()).second;
  };
  std::ranges::reverse(tensors);
  std::erase_if(tensors, is_earlier);  // looks at each once, in this order
  std::ranges::reverse(tensors);
  return tensors;
}

ApplyReport ApplyCopy(const Checkpoint& checkpoint, std::span<const PlannedTensor> all, const ReadOptions& options) {
  const OwnWrites own;
  const std::vector<PlannedTensor> tensors = LastOfEach({all.begin(), all.end()});
  const std::vector<SourceGroup> groups = GroupsToCopy(checkpoint, tensors, ExtentFor(options));
  WindowReader reader(checkpoint, groups);
  ApplyReport report;
  ReadOptions while_copying = options;
  const bool verified = NeedsVerifying(groups, tensors);
  options.progress.Expect(BytesOf(groups) * (verified ? 2 : 1));
  if (verified) {
    report.read = reader.ReadAll(options);
    while_copying.crc = CrcMode::kOff;
  }
  const at::NoGradGuard no_grad;
  for (const Window& window : reader.windows()) {
    try {
      ReadReport read = reader.Read(window, while_copying);
      if (verified) read.crc.clear();  // the first read has reported the checksums
      Add(report.read, read);
    } catch (const CheckpointError& error) {
      if (report.bytes_copied == 0 || !verified) throw;
      throw CheckpointError(error.code(), error.file(),
                            error.sentence() + "; it changed while it was loaded, and the module was partly loaded",
                            error.record(), error.offset());
    }
    if (verified) while_copying.progress = options.progress.WithoutCancelling();
    report.bytes_copied += CopyWindow(checkpoint, tensors, groups, window, reader.buffer());
  }
  return report;
}

ApplyReport ApplyAssign(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors,
                        const ReadOptions& options) {
  const OwnWrites own;
  const std::vector<SourceGroup> groups = GroupSources(checkpoint, tensors, GroupExtent::kWhole);
  std::vector<at::Storage> storages;
  std::vector<ReadJob> jobs;
  for (const SourceGroup& group : groups) {
    storages.push_back(Allocate(checkpoint, group.length));
    jobs.push_back({group.storage, group.begin, {Bytes(storages.back()), group.length}, group.dtype});
  }
  ApplyReport report;
  report.read = checkpoint.Read(jobs, options);
  const at::NoGradGuard no_grad;
  // In the plan's order, so that of two keys for one tensor the later one wins.
  std::vector<at::Tensor> values(tensors.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const std::uint32_t user : groups[i].users) {
      const PlannedTensor& planned = tensors[user];
      const TensorView& source = checkpoint.tree().tensor(planned.source);
      values[user] = ViewOf(storages[i], 0, groups[i], source, planned);
      if (planned.target.device() != at::kCPU) {
        values[user] = values[user].to(planned.target.device());
        report.bytes_copied += values[user].nbytes();
      }
    }
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    Replace(tensors[i], values[i]);
    // PyTorch keeps a parameter's requires_grad; a buffer becomes the file's tensor.
    if (!tensors[i].is_parameter) {
      tensors[i].target.set_requires_grad(checkpoint.tree().tensor(tensors[i].source).requires_grad);
    }
  }
  return report;
}

std::uint64_t BytesToCopy(const Checkpoint& checkpoint, std::span<const PlannedTensor> all,
                          const ReadOptions& options) {
  const std::vector<PlannedTensor> tensors = LastOfEach({all.begin(), all.end()});
  const std::vector<SourceGroup> groups = GroupsToCopy(checkpoint, tensors, ExtentFor(options));
  return BytesOf(groups) * (NeedsVerifying(groups, tensors) ? 2 : 1);
}

std::uint64_t BytesToAssign(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors) {
  return BytesOf(GroupSources(checkpoint, tensors, GroupExtent::kWhole));
}

void Replace(const PlannedTensor& planned, const at::Tensor& value) { at::Tensor(planned.target).set_data(value); }

}  // namespace loadpath
