#include "harness/state/source_groups.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <utility>

#include "harness/checkpoint/check_view.h"
#include "harness/state/scalar_type.h"

namespace loadpath {
namespace {

// A multiple of every dtype's item size: rounding to it keeps all views aligned.
constexpr std::uint64_t kAlignment = 16;

}  // namespace

std::vector<SourceGroup> GroupSources(const Checkpoint& checkpoint, std::span<const PlannedTensor> tensors,
                                      GroupExtent extent) {
  std::vector<SourceGroup> groups;
  std::map<std::pair<StorageId, int>, std::size_t> places;
  const bool swapped = checkpoint.Swapped();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorView& view = checkpoint.tree().tensor(tensors[i].source);
    const auto [place, first] =
        places.emplace(std::pair(view.storage, swapped ? Info(view.dtype).swap_unit : 0), groups.size());
    if (first) groups.push_back({view.storage, view.dtype, 0, 0, {}});
    SourceGroup& group = groups[place->second];
    group.users.push_back(static_cast<std::uint32_t>(i));
    if (ItemSize(view.dtype) > ItemSize(group.dtype)) group.dtype = view.dtype;
    const ByteRange wanted = ReachOf(view);
    if (wanted.end == 0) continue;
    const std::uint64_t end = std::max(group.begin + group.length, wanted.end);
    group.begin = group.length == 0 ? wanted.begin : std::min(group.begin, wanted.begin);
    group.length = end - group.begin;
  }
  for (SourceGroup& group : groups) {
    const std::uint64_t nbytes = checkpoint.storages()[group.storage].nbytes;
    if (extent == GroupExtent::kWhole || group.length >= nbytes - nbytes / 2) {
      group.begin = 0;
      group.length = nbytes;
    } else if (group.length > 0) {
      const std::uint64_t end =
          std::min(nbytes, (group.begin + group.length + kAlignment - 1) / kAlignment * kAlignment);
      group.begin = group.begin / kAlignment * kAlignment;
      group.length = end - group.begin;
    }
  }
  return groups;
}

at::Tensor ViewOf(const at::Storage& storage, std::uint64_t origin, const SourceGroup& group, const TensorView& source,
                  const PlannedTensor& planned) {
  const std::uint64_t item = ItemSize(source.dtype);
  const bool scalar = planned.shape().empty();
  // An empty view may lie anywhere, also outside the bytes that were read.
  const std::int64_t offset =
      source.numel() == 0 ? 0 : static_cast<std::int64_t>((origin + source.storage_offset * item - group.begin) / item);
  at::Tensor view = at::empty({0}, ToScalarType(source.dtype));
  view.set_(storage, offset, scalar ? c10::IntArrayRef() : c10::IntArrayRef(source.shape),
            scalar ? c10::IntArrayRef() : c10::IntArrayRef(source.stride));
  if (source.conj) view = view.conj();
  if (source.neg) view = view._neg_view();
  return view;
}

}  // namespace loadpath
