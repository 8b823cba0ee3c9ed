#include <unordered_map>
#include <vector>

#include "harness/load/mapping/mapper.h"

namespace loadpath {
namespace {

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
  Prepared prepared = Prepare(request, "mmap", /*assign=*/true, result);
  const Checkpoint& checkpoint = *prepared.checkpoint;
  Stopwatch watch;

  // Tensors that share a storage stay together, mapped or read.
  const std::vector<PlannedTensor> tensors = LastOfEach(std::move(prepared.tensors));
  Mapper mapper(checkpoint);
  mapper.Prefetch(TargetBytes(tensors), mapper.ResidentPart(), request.read.threads);
  std::unordered_map<StorageId, std::string_view> obstacles;
  for (const PlannedTensor& planned : tensors) {
    std::string_view& obstacle = obstacles[checkpoint.tree().tensor(planned.source).storage];
    if (obstacle.empty()) obstacle = mapper.Obstacle(planned);
  }
  Fallback fallback;
  std::vector<std::pair<const PlannedTensor*, at::Tensor>> mapped;
  for (const PlannedTensor& planned : tensors) {
    const TensorView& view = checkpoint.tree().tensor(planned.source);
    const std::string_view obstacle = obstacles[view.storage];
    if (!obstacle.empty()) {
      fallback.Add(planned, obstacle);
      continue;
    }
    mapped.emplace_back(&planned, mapper.Make(view));
    result.bytes_mapped += view.nbytes();
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

const LoadPath mmap_path = {.name = "mmap",
                            .summary = "map the file; the mapping becomes the parameters",
                            .limit = "mmap",
                            .load = LoadMmap,
                            .keeps_dtypes = true};

}  // namespace loadpath
