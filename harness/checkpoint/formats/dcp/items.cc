#include "harness/checkpoint/formats/dcp/items.h"

#include <algorithm>
#include <numeric>

#include "harness/base/error.h"
#include "harness/base/paths.h"
#include "harness/checkpoint/check_view.h"
#include "harness/checkpoint/formats/formats.h"
#include "harness/checkpoint/formats/several_files.h"

namespace loadpath {
namespace {

bool HoldsSafetensors(const FileSource& file) {
  try {
    return RecogniseFormat(file).folder == "safetensors";
  } catch (const CheckpointError&) {
    return false;
  }
}

}  // namespace

// One .distcp file to the read engine: its records are chunks whose place is known.
class DcpItems::File final : public Records {
 public:
  File(const DcpItems& items, std::uint32_t number) : items_(items), number_(number) {}

  const FileSource& source() const override { return *items_.files_[number_]; }
  Slot SlotOf(StorageId item) const override {
    const Place& place = items_.Known(item);
    const std::uint64_t nbytes = items_.storages_[item].nbytes;
    return {place.offset, nbytes, 0, nbytes, false, place.crc};
  }
  std::string RecordName(StorageId item) const override {
    return items_.metadata_.entries[items_.metadata_.items[item].entry].name;
  }
  std::uint64_t ParseHead(StorageId item, std::span<const std::byte>) const override {
    return items_.Known(item).offset;
  }

 private:
  const DcpItems& items_;
  const std::uint32_t number_;
};

DcpItems::DcpItems(const DcpMetadata& metadata, const std::string& metadata_path, const OpenOptions& options)
    : metadata_(metadata),
      options_(options),
      storages_(metadata.items.size()),
      places_(std::make_unique<std::atomic<const Place*>[]>(metadata.items.size())),
      payloads_(metadata.items.size()) {
  for (const std::string& file : metadata.files) {
    files_.push_back(OpenListedFile(FolderOf(metadata_path) + file, metadata_path));
    records_.push_back(std::make_unique<File>(*this, static_cast<std::uint32_t>(records_.size())));
  }
  std::vector<std::uint32_t> order(metadata.items.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const DcpItem &x = metadata.items[a], &y = metadata.items[b];
    return x.file != y.file ? x.file < y.file : x.offset < y.offset;
  });
  const DcpItem* before = nullptr;
  for (const std::uint32_t number : order) {
    const DcpItem& item = metadata.items[number];
    const std::string& name = metadata.entries[item.entry].name;
    const FileSource& file = *files_[item.file];
    if (item.length > file.size() || item.offset > file.size() - item.length) {
      const std::uint64_t end = item.offset + item.length;  // both below 2^63
      file.Fail(ErrorCode::kBadArchive, "is cut off: " + MissingText(end - file.size()), name);
    }
    if (before != nullptr && before->file == item.file && before->offset + before->length > item.offset) {
      RefuseSafetensors(number);
      Fail(number, ErrorCode::kBadArchive, "holds two parts of the checkpoint in the same bytes");
    }
    before = &item;
  }
}

DcpItems::~DcpItems() {
  for (std::size_t i = 0; i < storages_.size(); ++i) delete places_[i].load(std::memory_order_relaxed);
}

void DcpItems::Fail(std::uint32_t number, ErrorCode code, const std::string& sentence) const {
  const DcpItem& item = metadata_.items[number];
  files_[item.file]->Fail(code, sentence, metadata_.entries[item.entry].name, item.offset);
}

void DcpItems::RefuseSafetensors(std::uint32_t number) const {
  const DcpItem& item = metadata_.items[number];
  const FileSource& file = *files_[item.file];
  // filesystem.py, _write_item: all tensors get the offset of the one safetensors file that is written behind the
  // values, and their plain sizes as lengths.
  if (!HoldsSafetensors(InnerFile(file, item.offset, file.size() - item.offset))) return;
  Fail(number, ErrorCode::kUnsupported,
       "holds tensors as SerializationFormat.SAFETENSORS writes them, which PyTorch's FileSystemReader does not read "
       "either: save the checkpoint without it");
}

void DcpItems::Expect(std::uint32_t number, std::uint64_t nbytes) {
  storages_[number].nbytes = nbytes;
  if (nbytes > metadata_.items[number].length) {
    Fail(number, ErrorCode::kBadTensor,
         "holds a chunk of " + Counted(nbytes, "byte") + " in " + std::to_string(metadata_.items[number].length));
  }
}

std::shared_ptr<const SingleFile> DcpItems::OpenItem(std::uint32_t number) const {
  const DcpItem& item = metadata_.items[number];
  const FileSource& file = *files_[item.file];
  try {
    return OpenSingleFile(std::make_unique<InnerFile>(file, item.offset, item.length), options_);
  } catch (const CheckpointError& error) {
    RefuseSafetensors(number);
    // Which part of the file it is; offsets count from there.
    throw CheckpointError(error.code(), file.path(),
                          "in the part from " + std::to_string(item.offset) + " to " +
                              std::to_string(item.offset + item.length) + ", " + metadata_.entries[item.entry].name +
                              ": " + error.sentence(),
                          error.record(), error.offset(), error.advice());
  }
}

const DcpItems::Place& DcpItems::Find(std::uint32_t number, const std::vector<std::int64_t>& sizes) const {
  if (IsKnown(number)) return Known(number);
  const std::lock_guard lock(locks_[number % locks_.size()]);
  if (IsKnown(number)) return Known(number);
  const std::shared_ptr<const SingleFile> file = OpenItem(number);
  const Tree& tree = file->tree();
  const Dtype dtype = metadata_.entries[metadata_.items[number].entry].dtype;
  if (tree.kind(tree.root()) != NodeKind::kTensor) {
    Fail(number, ErrorCode::kBadTensor, "holds " + tree.TypeText(tree.root()) + " instead of a chunk of a tensor");
  }
  const TensorView& view = tree.tensor(tree.root());
  if (view.dtype != dtype) {
    Fail(
        number, ErrorCode::kBadTensor,
        "holds a chunk of dtype " + std::string(Name(view.dtype)) + ", but .metadata says " + std::string(Name(dtype)));
  }
  if (view.shape != sizes)
    Fail(number, ErrorCode::kBadTensor,
         "holds a chunk of shape " + ShapeText(view.shape) + ", but .metadata says " + ShapeText(sizes));
  // DCP clones a part of a larger storage before it writes it (filesystem.py, _OverlappingCpuLoader).
  if (file->storages()[view.storage].nbytes != view.nbytes())
    Fail(number, ErrorCode::kBadTensor, "holds a chunk that is a view of another storage");
  const std::optional<Extent> extent = file->Locate(view.storage);
  if (!extent) Fail(number, ErrorCode::kUnsupported, "holds a chunk that is compressed, which torch.save never does");
  const int order = file->byteorder() == "big" ? kBig : kLittle;
  int known = kUnknown;
  if (!byteorder_.compare_exchange_strong(known, order) && known != order)
    Fail(number, ErrorCode::kBadArchive, "holds a chunk of another byte order than the others");
  auto place = std::make_unique<Place>();
  place->offset = extent->offset;
  place->crc = file->SlotOf(view.storage).crc;
  if (!view.IsContiguous() || view.conj || view.neg) place->odd = std::make_unique<const TensorView>(view);
  places_[number].store(place.release(), std::memory_order_release);
  return Known(number);
}

std::vector<RecordFile> DcpItems::RecordFiles(bool swapped) const {
  std::vector<RecordFile> files;
  for (const auto& file : records_) files.push_back({file.get(), &payloads_, storages_, swapped});
  return files;
}

std::uint64_t DcpItems::bytes_read() const {
  return std::accumulate(files_.begin(), files_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& file) { return sum + file->bytes_read(); });
}

std::uint64_t DcpItems::read_calls() const {
  return std::accumulate(files_.begin(), files_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& file) { return sum + file->read_calls(); });
}

}  // namespace loadpath
