#ifndef LOADPATH_HARNESS_LOAD_MAPPING_MAPPER_H_
#define LOADPATH_HARNESS_LOAD_MAPPING_MAPPER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/load/mapping/mapping.h"
#include "harness/load/prepare.h"

namespace loadpath {

/// Maps the files of a checkpoint and makes tensors over the mappings.
class Mapper {
 public:
  explicit Mapper(const Checkpoint& checkpoint) : checkpoint_(checkpoint), files_(checkpoint.file_count()) {}

  /// Returns why a tensor cannot lie in the mapping; empty if it can.
  std::string_view Obstacle(const PlannedTensor& planned);
  /// Returns a tensor that has no obstacle.
  at::Tensor Make(const TensorView& view) { return Make(view, view.stride); }
  /// The same with other strides that say where the same elements lie: those of a dimension of one element may differ.
  at::Tensor Make(const TensorView& view, at::IntArrayRef strides);
  /// Returns where the bytes of a contiguous tensor without an obstacle are mapped, as long as this lives.
  const std::byte* BytesOf(const TensorView& view);
  /// Makes every page that was asked for present and checks that the files are as long as they were: the last page of a
  /// file that was cut holds zeros behind the file's end.
  void Populate(int threads, const Progress& progress = {}) const;
  /// Throws CheckpointError if a file was cut since it was mapped.
  void CheckLengths() const;

  const std::unordered_map<StorageId, c10::Storage>& storages() const { return storages_; }
  /// Returns the part of the files, 0 to 1, that is in the page cache, by a look at a few places of each.
  double ResidentPart();
  /// Makes the pages of a file present, in its order, if most of them are not (`resident`: ResidentPart()) and `bytes`
  /// are most of it: before the first look at a record, which would have the disk read 128 KiB around it and spoil the
  /// kernel's long reads. A cold zip archive of 100 MB took half the time so. Returns true if it did.
  bool Prefetch(std::uint64_t bytes, double resident, int threads, const Progress& progress = {});

 private:
  MappedRange RangeOf(StorageId id);
  const std::optional<Extent>& Locate(StorageId id);
  const std::shared_ptr<const Mapping>& File(std::uint32_t number);
  [[noreturn]] void FailAsCut(std::uint32_t number) const;

  const Checkpoint& checkpoint_;
  std::vector<std::shared_ptr<const Mapping>> files_;
  std::unordered_map<StorageId, std::optional<Extent>> extents_;
  std::unordered_map<StorageId, c10::Storage> storages_;
  std::vector<MappedRange> ranges_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_MAPPING_MAPPER_H_
