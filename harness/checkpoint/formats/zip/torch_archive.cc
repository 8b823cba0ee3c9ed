#include "harness/checkpoint/formats/zip/torch_archive.h"

#include <charconv>

#include "harness/base/error.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/pickle/tree_builder.h"

namespace loadpath {
namespace {

// caffe2/serialize/versions.h: kMinSupportedFileFormatVersion, kMaxSupportedFileFormatVersion.
constexpr std::uint64_t kMinVersion = 1, kMaxVersion = 10;

}  // namespace

TorchArchive::TorchArchive(std::unique_ptr<FileSource> file, ZipDirectory directory)
    : SingleFile(std::move(file)), directory_(std::move(directory)) {
  CheckVersion();
  const std::string order = ReadText("byteorder", "little");
  if (order != "little" && order != "big")
    source().Fail(ErrorCode::kBadVersion, "Unknown endianness type: " + order, "byteorder");
  big_endian_ = order == "big";
}

Slot TorchArchive::SlotOf(StorageId storage) const {
  const ZipRecord& record = directory_.records()[record_of_[storage]];
  Slot slot{record.header, record.slot,        ZipDirectory::kLocalHeaderBytes + record.name_size,
            record.stored, record.method == 8, {}};
  // torch.serialization.set_crc32_options(False) writes 0; so does an empty record, whose checksum it is.
  if (record.crc != 0 || record.size == 0) slot.crc = record.crc;
  return slot;
}

std::string TorchArchive::RecordName(StorageId storage) const {
  return std::string(directory_.name(directory_.records()[record_of_[storage]]));
}

std::uint64_t TorchArchive::ParseHead(StorageId storage, std::span<const std::byte> head) const {
  return directory_.Payload(directory_.records()[record_of_[storage]], head);
}

std::string TorchArchive::ReadText(std::string_view name, std::string missing) const {
  const ZipRecord* record = directory_.Find(name);
  if (record == nullptr) return missing;
  if (record->size > 64) source().Fail(ErrorCode::kBadVersion, "has a record that is too long", name);
  const std::vector<std::byte> bytes = directory_.Read(*record, true);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void TorchArchive::CheckVersion() const {
  std::string text = ReadText(".data/version", ReadText("version", ""));
  if (text.empty())
    source().Fail(ErrorCode::kMissingRecord, "lacks the record that tells the format's version", "version");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size()) {
    source().Fail(ErrorCode::kBadVersion, "Couldn't parse the version " + text + " as Long Long.");
  }
  if (version < kMinVersion) {
    source().Fail(ErrorCode::kBadVersion, "Attempted to read a PyTorch file with version " + text +
                                              ", but the minimum supported version for reading is " +
                                              std::to_string(kMinVersion) + ".");
  }
  if (version > kMaxVersion) {
    source().Fail(ErrorCode::kBadVersion, "Attempted to read a PyTorch file with version " + text +
                                              ", but the maximum supported version for reading is " +
                                              std::to_string(kMaxVersion) + ".");
  }
}

std::vector<std::byte> PickledArchive::PickleBytes() const {
  const ZipRecord* data = directory().Find("data.pkl");
  if (data == nullptr) {
    source().Fail(ErrorCode::kMissingRecord, "is a zip archive, but not one that torch.save wrote: it has no data.pkl");
  }
  if (data->size > limits::kPickleBytes)
    source().Fail(ErrorCode::kLimitExceeded, "has a pickle of more than 1 GiB", "data.pkl");
  return directory().Read(*data, true);
}

void PickledArchive::FinishTree(Heap&& heap, std::vector<std::byte> pickle, Value root) {
  StorageTable& table = TorchCalls::storages();
  Tree tree = BuildTree(path(), std::move(heap), table, std::move(pickle), root);
  Finish(std::move(tree), std::move(table.storages()), big_endian());
}

void PickledArchive::CheckStorage(Unpickler& unpickler, const Storage& storage) {
  const std::string name = "data/" + storage.name;
  const ZipRecord* record = directory().Find(name);
  if (record == nullptr) source().Fail(ErrorCode::kMissingRecord, "lacks a record that its pickle names", name);
  if (record->size != storage.nbytes) {
    unpickler.Fail(ErrorCode::kBadTensor, "names storage " + storage.name + " with " + Counted(storage.nbytes, "byte") +
                                              ", but its record has " + std::to_string(record->size));
  }
  AddRecord(*record);
}

}  // namespace loadpath
