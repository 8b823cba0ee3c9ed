#include "harness/checkpoint/formats/single_file.h"

#include "harness/base/out_of_memory.h"
#include "harness/checkpoint/formats/sniff.h"

namespace loadpath {

void SingleFile::Finish(Tree tree, std::vector<Storage> storages, bool big_endian) {
  tree_ = std::move(tree);
  storages_ = std::move(storages);
  big_endian_ = big_endian;
  payloads_ = std::make_unique<Payloads>(storages_.size());
  open_report_.bytes_read = source_->bytes_read();
  open_report_.read_calls = source_->read_calls();
}

std::optional<Extent> SingleFile::Locate(StorageId storage) const {
  const Slot slot = SlotOf(storage);
  const std::uint64_t payload = payloads_->Find(*this, storage);
  if (slot.deflated) return std::nullopt;
  return Extent{0, source_->begin() + payload, slot.stored};
}

ReadReport SingleFile::Read(std::span<const ReadJob> jobs, const ReadOptions& options) const {
  return OrOutOfMemory(path(), "could not be read", [&] {
    const RecordFile file = record_file();
    return ReadRecords({&file, 1}, {}, jobs, options);
  });
}

std::shared_ptr<const SingleFile> OpenSingleFile(std::unique_ptr<Source> source, const OpenOptions& options) {
  switch (Sniff(*source)) {
    case FileKind::kZip:
      return OpenZip(std::move(source), options);
    case FileKind::kLegacy:
      return OpenTorchLegacy(std::move(source), options);
    case FileKind::kSafetensors:
      return OpenSafetensors(std::move(source));
    case FileKind::kShardIndex:
      source->Fail(ErrorCode::kBadArchive, "is an index of shards where a file with tensors is expected");
    case FileKind::kDcpMetadata:
      source->Fail(ErrorCode::kBadArchive,
                   "is a distributed checkpoint's .metadata where a file with tensors is expected");
  }
  return nullptr;
}

}  // namespace loadpath
