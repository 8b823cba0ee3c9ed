// torch.save's format since PyTorch 1.6: a zip archive with data.pkl and one record per storage (torch/serialization.py,
// _save and _load; caffe2/serialize/inline_container.cc).
#include <charconv>

#include "harness/checkpoint/freeze.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/rebuild.h"
#include "harness/checkpoint/single_file.h"
#include "harness/checkpoint/zip.h"

namespace loadpath {
namespace {

// caffe2/serialize/versions.h: kMinSupportedFileFormatVersion, kMaxSupportedFileFormatVersion.
constexpr std::uint64_t kMinVersion = 1, kMaxVersion = 10;

class TorchZip final : public SingleFile, private TorchHost {
 public:
  explicit TorchZip(std::unique_ptr<Source> file) : SingleFile(std::move(file)), directory_(source()) {
    if (directory_.Find("constants.pkl") != nullptr) {
      source().Fail(ErrorCode::kUnsupported, "is a TorchScript archive, not a checkpoint; save the module's state_dict with torch.save");
    }
    const ZipRecord* data = directory_.Find("data.pkl");
    if (data == nullptr) {
      source().Fail(ErrorCode::kMissingRecord, "is a zip archive, but not one that torch.save wrote: it has no data.pkl");
    }
    CheckVersion();
    const std::string order = ReadText("byteorder", "little");
    if (order != "little" && order != "big") {
      source().Fail(ErrorCode::kBadVersion, "Unknown endianness type: " + order, "byteorder");
    }
    if (data->size > limits::kPickleBytes) source().Fail(ErrorCode::kLimitExceeded, "has a pickle of more than 1 GiB", "data.pkl");
    PickleInput input(source(), "data.pkl", directory_.Read(*data, true));
    Heap heap;
    Unpickler unpickler(input, heap, this);
    const Value root = unpickler.Run();
    Tree tree = Freeze(path(), std::move(heap), TorchHost::storages(), input.Take(), root);
    Finish(std::move(tree), std::move(TorchHost::storages().storages()), order == "big");
  }

  std::string_view format() const override { return "zip"; }

  Slot SlotOf(StorageId storage) const override {
    const ZipRecord& record = directory_.records()[record_of_[storage]];
    Slot slot{record.header, record.slot, ZipDirectory::kLocalHeaderBytes + record.name_size, record.stored, record.method == 8, {}};
    // torch.serialization.set_crc32_options(False) writes 0; so does an empty record, whose checksum it is.
    if (record.crc != 0 || record.size == 0) slot.crc = record.crc;
    return slot;
  }
  std::string RecordName(StorageId storage) const override {
    return std::string(directory_.name(directory_.records()[record_of_[storage]]));
  }
  std::uint64_t ParseHead(StorageId storage, std::span<const std::byte> head) const override {
    return directory_.Payload(directory_.records()[record_of_[storage]], head);
  }

 private:
  void CheckStorage(Unpickler& unpickler, const Storage& storage) override {
    const std::string name = "data/" + storage.name;
    const ZipRecord* record = directory_.Find(name);
    if (record == nullptr) source().Fail(ErrorCode::kMissingRecord, "lacks a record that its pickle names", name);
    if (record->size != storage.nbytes) {
      unpickler.Fail(ErrorCode::kBadTensor, "names storage " + storage.name + " with " + std::to_string(storage.nbytes) +
                                                " bytes, but its record has " + std::to_string(record->size));
    }
    record_of_.push_back(static_cast<std::uint32_t>(record - directory_.records().data()));
  }
  bool HasViews() const override { return false; }

  std::string ReadText(std::string_view name, std::string missing) const {
    const ZipRecord* record = directory_.Find(name);
    if (record == nullptr) return missing;
    if (record->size > 64) source().Fail(ErrorCode::kBadVersion, "has a record that is too long", name);
    const std::vector<std::byte> bytes = directory_.Read(*record, true);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  void CheckVersion() const {
    std::string text = ReadText(".data/version", ReadText("version", ""));
    if (text.empty()) source().Fail(ErrorCode::kMissingRecord, "lacks the record that tells the format's version", "version");
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
    std::uint64_t version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc() || end != text.data() + text.size()) {
      source().Fail(ErrorCode::kBadVersion, "Couldn't parse the version " + text + " as Long Long.");
    }
    if (version < kMinVersion) {
      source().Fail(ErrorCode::kBadVersion, "Attempted to read a PyTorch file with version " + text + ", but the minimum supported version for reading is " +
                        std::to_string(kMinVersion) + ".");
    }
    if (version > kMaxVersion) {
      source().Fail(ErrorCode::kBadVersion, "Attempted to read a PyTorch file with version " + text + ", but the maximum supported version for reading is " +
                        std::to_string(kMaxVersion) + ".");
    }
  }

  ZipDirectory directory_;
  std::vector<std::uint32_t> record_of_;
};

}  // namespace

std::shared_ptr<const Checkpoint> OpenTorchZip(std::unique_ptr<Source> source) {
  return std::make_shared<TorchZip>(std::move(source));
}

}  // namespace loadpath
