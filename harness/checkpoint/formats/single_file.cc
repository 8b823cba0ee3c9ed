#include "harness/checkpoint/formats/single_file.h"

#include "harness/base/error.h"

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
  if (slot.deflated || source_->fd() < 0) return std::nullopt;
  return Extent{0, source_->begin() + payload, slot.stored};
}

ReadReport SingleFile::Read(std::span<const ReadJob> jobs, const ReadOptions& options) const {
  return OrOutOfMemory(path(), "could not be read", [&] {
    const RecordFile file = record_file();
    return ReadRecords(path(), {&file, 1}, {}, jobs, options);
  });
}

}  // namespace loadpath
