#include <sys/stat.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "harness/load/mapping.h"
#include "harness/load/prepare.h"

namespace loadpath {
namespace {

class Mapper {
 public:
  explicit Mapper(const Checkpoint& checkpoint) : checkpoint_(checkpoint), files_(checkpoint.file_count()) {}

  // Returns why a tensor cannot lie in the mapping; empty if it can.
  std::string_view Obstacle(const PlannedTensor& planned) {
    const TensorView& view = checkpoint_.tree().tensor(planned.source);
    if (!planned.target.device().is_cpu()) return "on another device";
    if (view.conj || view.neg) return "conjugated or negated";
    if (view.shape != planned.shape) return "of another shape";
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

  at::Tensor Make(const TensorView& view) {
    auto found = storages_.find(view.storage);
    if (found == storages_.end()) {
      const Extent extent = *Locate(view.storage);
      const std::uint64_t nbytes = checkpoint_.storages()[view.storage].nbytes;
      c10::Storage storage =
          nbytes == 0 ? at::empty({0}, at::kByte).storage() : StorageOver(File(extent.file), extent.offset, nbytes);
      if (nbytes > 0) ranges_.push_back({File(extent.file), extent.offset, nbytes});
      found = storages_.emplace(view.storage, std::move(storage)).first;
    }
    return at::empty({0}, ToScalarType(view.dtype)).set_(found->second, view.storage_offset, view.shape, view.stride);
  }

  // Makes every page present and checks that the files are as long as they were: the last page of a file that was cut
  // holds zeros behind the file's end.
  void Populate(int threads) const {
    loadpath::Populate(ranges_, threads);
    for (std::uint32_t i = 0; i < files_.size(); ++i) {
      struct stat status {};
      if (files_[i] && (fstat(checkpoint_.fd(i), &status) != 0 ||
                        static_cast<std::uint64_t>(status.st_size) < files_[i]->length())) {
        FailAsCut(i);
      }
    }
  }

  const std::unordered_map<StorageId, c10::Storage>& storages() const { return storages_; }

 private:
  const std::optional<Extent>& Locate(StorageId id) {
    const auto found = extents_.find(id);
    if (found != extents_.end()) return found->second;
    return extents_.emplace(id, checkpoint_.Locate(id)).first->second;
  }
  const std::shared_ptr<const Mapping>& File(std::uint32_t number) {
    if (!files_[number]) files_[number] = Mapping::Map(checkpoint_.file_path(number), checkpoint_.fd(number));
    return files_[number];
  }
  [[noreturn]] void FailAsCut(std::uint32_t number) const {
    throw CheckpointError(ErrorCode::kIo, checkpoint_.file_path(number),
                          "ends before the bytes that its directory lists: it was cut while it was open");
  }

  const Checkpoint& checkpoint_;
  std::vector<std::shared_ptr<const Mapping>> files_;
  std::unordered_map<StorageId, std::optional<Extent>> extents_;
  std::unordered_map<StorageId, c10::Storage> storages_;
  std::vector<MappedRange> ranges_;
};

// A mapping is not read, so checksums take a pass of their own, one storage at a time.
void Check(const Checkpoint& checkpoint, const Mapper& mapper, const ReadOptions& options, LoadResult& result) {
  if (options.crc != CrcMode::kOn) {
    result.crc.insert(result.crc.end(), mapper.storages().size(), CrcStatus::kOff);
    return;
  }
  std::vector<std::byte> bytes;
  for (const auto& [id, storage] : mapper.storages()) {
    bytes.resize(storage.nbytes());
    const ReadJob job{.storage = id, .dst = bytes};
    AddCosts(checkpoint.Read({&job, 1}, options), result);
  }
}

LoadResult LoadMmap(const LoadRequest& request) {
  if (request.device != at::kCPU) return LoadStaged(request);
  LoadResult result;
  const Prepared prepared = Prepare(request, "mmap", /*assign=*/true, result);
  const Checkpoint& checkpoint = *prepared.checkpoint;
  Stopwatch watch;

  // Tensors that share a storage stay together, mapped or read.
  Mapper mapper(checkpoint);
  std::unordered_map<StorageId, std::string_view> obstacles;
  for (const PlannedTensor& planned : prepared.tensors) {
    std::string_view& obstacle = obstacles[checkpoint.tree().tensor(planned.source).storage];
    if (obstacle.empty()) obstacle = mapper.Obstacle(planned);
  }
  Fallback fallback;
  std::vector<std::pair<const PlannedTensor*, at::Tensor>> mapped;
  std::unordered_set<const c10::TensorImpl*> counted;
  for (const PlannedTensor& planned : prepared.tensors) {
    const TensorView& view = checkpoint.tree().tensor(planned.source);
    const std::string_view obstacle = obstacles[view.storage];
    if (!obstacle.empty()) {
      fallback.Add(planned, obstacle);
      continue;
    }
    mapped.emplace_back(&planned, mapper.Make(view));
    if (counted.insert(planned.target.unsafeGetTensorImpl()).second) result.bytes_mapped += view.nbytes();
  }
  if (request.read.progress) {
    std::uint64_t bytes = BytesToAssign(checkpoint, fallback.tensors());
    if (request.read.crc == CrcMode::kOn) {
      for (const auto& [id, storage] : mapper.storages()) bytes += storage.nbytes();
    }
    request.read.progress.Expect(bytes);
  }
  Check(checkpoint, mapper, request.read, result);
  result.seconds.load = watch.Lap();
  mapper.Populate(request.read.threads);
  result.seconds.resident = watch.Lap();
  if (!fallback.tensors().empty()) {
    AddCosts(ApplyAssign(checkpoint, fallback.tensors(), request.read), result);
  }
  for (const auto& [planned, tensor] : mapped) Replace(*planned, tensor);
  fallback.Report("assign", result);
  Finish(result);
  result.seconds.load += watch.Lap();
  return result;
}

}  // namespace

const LoadPath load_paths::mmap = {
    .name = "mmap", .summary = "map the file; the mapping becomes the parameters", .limit = "mmap", .load = LoadMmap};

}  // namespace loadpath
