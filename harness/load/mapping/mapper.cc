#include "harness/load/mapping/mapper.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace loadpath {

std::string_view Mapper::Obstacle(const PlannedTensor& planned) {
  const TensorView& view = checkpoint_.tree().tensor(planned.source);
  if (!planned.target.device().is_cpu()) return "on another device";
  if (view.conj || view.neg) return "conjugated or negated";
  if (at::IntArrayRef(view.shape) != planned.shape()) return "of another shape";
  if (checkpoint_.Swapped() && Info(view.dtype).swap_unit > 1) return "in the other byte order";
  if (!checkpoint_.InFiles()) return "not in a file";
  const auto extent = Locate(view.storage);
  if (!extent) return "compressed";
  if (extent->length < checkpoint_.storages()[view.storage].nbytes) return "compressed";
  if (extent->offset % std::max<std::uint64_t>(1, Info(view.dtype).swap_unit) != 0) return "not aligned in the file";
  if (extent->length == 0) return {};
  const auto& file = File(extent->file);
  if (!file) return "that cannot be mapped";
  if (extent->offset > file->length() || extent->length > file->length() - extent->offset) FailAsCut(extent->file);
  return {};
}

double Mapper::ResidentPart() {
  constexpr std::uint64_t kPlaces = 64, kPages = 8;
  static const auto kPage = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::uint64_t seen = 0, resident = 0;
  for (std::uint32_t i = 0; i < files_.size(); ++i) {
    const auto& file = File(i);
    if (!file) continue;
    const std::uint64_t all = (file->length() + kPage - 1) / kPage, step = std::max(all / kPlaces, kPages);
    for (std::uint64_t page = 0; page < all; page += step) {
      unsigned char flags[kPages];
      const std::uint64_t pages = std::min(kPages, all - page);
      if (mincore(file->data() + page * kPage, pages * kPage, flags) != 0) continue;
      seen += pages;
      resident += static_cast<std::uint64_t>(std::count_if(flags, flags + pages, [](auto flag) { return flag & 1; }));
    }
  }
  return seen == 0 ? 1 : static_cast<double>(resident) / static_cast<double>(seen);
}

bool Mapper::Prefetch(std::uint64_t bytes, double resident, int threads, const Progress& progress) {
  if (!checkpoint_.InFiles() || files_.size() != 1 || !File(0) || bytes < File(0)->length() / 10 * 8) return false;
  if (resident > 0.5) return false;
  const MappedRange whole{File(0), 0, File(0)->length()};
  try {
    loadpath::Populate({&whole, 1}, threads, progress);
  } catch (const CheckpointError& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    return false;  // in bytes, perhaps, that no tensor needs
  }
  return true;
}

MappedRange Mapper::RangeOf(StorageId id) {
  const Extent extent = *Locate(id);
  return {File(extent.file), extent.offset, checkpoint_.storages()[id].nbytes};
}

at::Tensor Mapper::Make(const TensorView& view, at::IntArrayRef strides) {
  auto found = storages_.find(view.storage);
  if (found == storages_.end()) {
    c10::Storage storage;
    if (checkpoint_.storages()[view.storage].nbytes == 0) {
      storage = at::empty({0}, at::kByte).storage();
    } else {
      const MappedRange& range = ranges_.emplace_back(RangeOf(view.storage));
      storage = StorageOver(range.mapping, range.begin, range.length);
    }
    found = storages_.emplace(view.storage, std::move(storage)).first;
  }
  return at::empty({0}, ToScalarType(view.dtype)).set_(found->second, view.storage_offset, view.shape, strides);
}

const std::byte* Mapper::BytesOf(const TensorView& view) {
  const MappedRange range = RangeOf(view.storage);
  const std::uint64_t begin = range.begin + static_cast<std::uint64_t>(view.storage_offset) * ItemSize(view.dtype);
  ranges_.push_back({range.mapping, begin, view.nbytes()});
  return range.mapping->data() + begin;
}

void Mapper::Populate(int threads, const Progress& progress) const {
  loadpath::Populate(ranges_, threads, progress);
  CheckLengths();
}

void Mapper::CheckLengths() const {
  for (std::uint32_t i = 0; i < files_.size(); ++i) {
    struct stat status {};
    if (files_[i] &&
        (fstat(checkpoint_.fd(i), &status) != 0 || static_cast<std::uint64_t>(status.st_size) < files_[i]->length())) {
      FailAsCut(i);
    }
  }
}

const std::optional<Extent>& Mapper::Locate(StorageId id) {
  const auto found = extents_.find(id);
  if (found != extents_.end()) return found->second;
  return extents_.emplace(id, checkpoint_.Locate(id)).first->second;
}

const std::shared_ptr<const Mapping>& Mapper::File(std::uint32_t number) {
  if (!files_[number]) files_[number] = Mapping::Map(checkpoint_.file_path(number), checkpoint_.fd(number));
  return files_[number];
}

void Mapper::FailAsCut(std::uint32_t number) const {
  throw CheckpointError(ErrorCode::kIo, checkpoint_.file_path(number),
                        "ends before the bytes that its directory lists: it was cut while it was open");
}

}  // namespace loadpath
