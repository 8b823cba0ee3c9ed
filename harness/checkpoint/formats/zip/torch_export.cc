// torch.export.save's archives (.pt2) and AOTInductor packages (torch/export/pt2_archive/_package.py): JSON lists of
// weights and constants, each a raw record, or one that torch.save wrote.

#include "harness/base/keyed_hash.h"
#include "harness/checkpoint/check_view.h"
#include "harness/checkpoint/formats/zip/export_config.h"
#include "harness/checkpoint/formats/zip/torch_archive.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/pickle/tree_builder.h"

namespace loadpath {
namespace {

constexpr std::string_view kWeights = "data/weights/", kConstants = "data/constants/", kInductor = "data/aotinductor/";
constexpr std::string_view kWeightsConfig = "_weights_config.json", kConstantsConfig = "_constants_config.json",
                           kInductorConfig = "/weights_config.json";

class TorchExport final : public TorchArchive {
 public:
  TorchExport(std::unique_ptr<FileSource> file, ZipDirectory found, const OpenOptions& options)
      : TorchArchive(std::move(file), std::move(found)), options_(options) {
    const std::string format = ReadText("archive_format", "");
    if (format != "pt2")
      source().Fail(ErrorCode::kBadVersion, "has the unknown archive format " + format, "archive_format");
    const std::string version = ReadText("archive_version", "0");
    if (version != "0")
      source().Fail(ErrorCode::kBadVersion, "has a torch.export archive of version " + version + "; 0 is read",
                    "archive_version");
    ReadModels();
    const Value root = models_.size() == 1 ? models_[0].second : Dict(NodeKind::kDict, models_);
    Tree tree = BuildTree(path(), std::move(heap_), table_, {}, root);
    Finish(std::move(tree), std::move(table_.storages()), big_endian());
  }

  std::string_view format() const override { return "pt2"; }

  Slot SlotOf(StorageId storage) const override {
    const Place& place = places_[storage];
    if (place.inner == nullptr) return TorchArchive::SlotOf(place.number);
    Slot slot = place.inner->SlotOf(place.number);
    slot.offset += place.base;
    return slot;
  }
  std::string RecordName(StorageId storage) const override {
    const Place& place = places_[storage];
    return place.inner == nullptr ? TorchArchive::RecordName(place.number) : SingleFile::storages()[storage].name;
  }
  std::uint64_t ParseHead(StorageId storage, std::span<const std::byte> head) const override {
    const Place& place = places_[storage];
    return place.inner == nullptr ? TorchArchive::ParseHead(place.number, head)
                                  : place.inner->ParseHead(place.number, head) + place.base;
  }

 private:
  using Named = std::vector<std::pair<std::string, Value>>;
  // The place of a storage: record number `number` of this archive, or storage number `number` of an archive inside it.
  struct Place {
    std::uint32_t number = 0;
    std::shared_ptr<const SingleFile> inner;
    std::uint64_t base = 0;
  };

  Value Dict(NodeKind kind, const Named& items) {
    const Value dict = heap_.Growing(kind);
    for (const auto& [name, value] : items) {
      const Value key = heap_.OwnedText(name);
      std::vector<Value>& list = heap_.lists[heap_.object(dict).begin];
      list.insert(list.end(), {key, value});
    }
    return dict;
  }

  std::string ReadConfig(const ZipRecord& record) const {
    if (record.size > limits::kConfigBytes)
      source().Fail(ErrorCode::kLimitExceeded, "has a list of weights of more than 32 MiB", directory().name(record));
    const std::vector<std::byte> bytes = directory().Read(record, true);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  void ReadModels() {
    bool inductor = false, old = false;
    std::vector<std::pair<std::string, const ZipRecord*>> compiled;
    for (const ZipRecord& record : directory().records()) {
      const std::string_view name = directory().name(record).substr(directory().root().size());
      if (name.starts_with(kWeights) && name.ends_with(kWeightsConfig)) {
        const std::string model(name.substr(kWeights.size(), name.size() - kWeights.size() - kWeightsConfig.size()));
        models_.emplace_back(model, ModelFrom(model, record));
      }
      old |= name.starts_with(kWeights) && name.ends_with(".pt");
      inductor |= name.starts_with(kInductor);
      if (name.starts_with(kInductor) && name.ends_with(kInductorConfig)) {
        compiled.emplace_back(name.substr(kInductor.size(), name.size() - kInductor.size() - kInductorConfig.size()),
                              &record);
      }
    }
    if (models_.empty()) {
      for (const auto& [model, record] : compiled) {
        models_.emplace_back(
            model,
            Dict(NodeKind::kOrderedDict,
                 Tensors(ParseInductorConfig(source(), directory().name(*record), ReadConfig(*record)), kWeights)));
      }
    }
    if (!models_.empty()) return;
    if (old) {
      source().Fail(ErrorCode::kUnsupported,
                    "is a torch.export archive with pickled weights, as PyTorch 2.8 wrote it: load it with "
                    "torch.export.load and save its state_dict with torch.save");
    }
    if (inductor) {
      source().Fail(ErrorCode::kUnsupported,
                    "is an AOTInductor package that holds its weights inside its compiled library: run it with "
                    "AOTIModelPackageLoader, or load the checkpoint that it was made from");
    }
    source().Fail(ErrorCode::kMissingRecord, "is a torch.export archive without a list of weights");
  }

  // The state dict, which the constants hang at: they are no part of it (non-persistent buffers, lifted tensors).
  Value ModelFrom(const std::string& model, const ZipRecord& record) {
    const Value state =
        Dict(NodeKind::kOrderedDict,
             Tensors(ParsePayloadConfig(source(), directory().name(record), ReadConfig(record)), kWeights));
    const ZipRecord* config = directory().Find(std::string(kConstants) + model + std::string(kConstantsConfig));
    if (config == nullptr) return state;
    std::vector<Payload> constants = ParsePayloadConfig(source(), directory().name(*config), ReadConfig(*config));
    // Custom objects are pickled by code that is not known here.
    std::erase_if(constants,
                  [](const Payload& payload) { return payload.pickled && !payload.record.starts_with("tensor_"); });
    if (constants.empty()) return state;
    const Value dict = Dict(NodeKind::kOrderedDict, Tensors(constants, kConstants));
    heap_.object(state).attributes = Dict(NodeKind::kDict, {{"constants", dict}});
    return state;
  }

  Named Tensors(const std::vector<Payload>& payloads, std::string_view folder) {
    Named tensors;
    for (const Payload& payload : payloads) {
      const std::string record = std::string(folder) + payload.record;
      const ZipRecord* found = directory().Find(record);
      if (found == nullptr)
        source().Fail(ErrorCode::kMissingRecord, "lacks a record that its list of weights names", record);
      tensors.emplace_back(payload.name,
                           payload.pickled ? Pickled(payload, record, *found) : Raw(payload, record, *found));
    }
    return tensors;
  }

  Value Raw(const Payload& payload, const std::string& record, const ZipRecord& found) {
    bool created = false;
    const StorageId id =
        table_.Get(record, found.size, static_cast<std::uint8_t>(ItemSize(*payload.dtype)), "cpu", &created);
    if (created) {
      places_.push_back({static_cast<std::uint32_t>(record_count()), nullptr, 0});
      AddRecord(found);
    }
    TensorView view;
    view.dtype = *payload.dtype;
    return Add(payload, view, id, found.size);
  }

  Value Pickled(const Payload& payload, const std::string& record, const ZipRecord& found) {
    Inner& inner = OpenInner(record, found);
    TensorView view = inner.file->tree().tensor(inner.file->tree().root());
    const Storage& storage = inner.file->storages()[view.storage];
    bool created = false;
    const StorageId id = table_.Get(record + "/" + storage.name, storage.nbytes,
                                    static_cast<std::uint8_t>(ItemSize(view.dtype)), "cpu", &created);
    if (created) places_.push_back({view.storage, inner.file, inner.base});
    if (payload.has_view) return Add(payload, view, id, storage.nbytes);
    view.storage = id;
    return heap_.Tensor(std::move(view));
  }

  Value Add(const Payload& payload, TensorView view, StorageId id, std::uint64_t nbytes) {
    view.storage = id;
    view.shape = payload.shape;
    view.stride = payload.stride;
    view.storage_offset = payload.storage_offset;
    view.parameter = payload.parameter;
    view.requires_grad = payload.requires_grad;
    if (const std::string problem = ViewProblem(view, nbytes); !problem.empty())
      source().Fail(ErrorCode::kBadTensor, problem, payload.name);
    return heap_.Tensor(std::move(view));
  }

  struct Inner {
    std::shared_ptr<const SingleFile> file;
    std::uint64_t base = 0;
  };

  Inner& OpenInner(const std::string& name, const ZipRecord& record) {
    const auto [entry, added] = inner_.try_emplace(name);
    Inner& inner = entry->second;
    if (!added) return inner;
    if (record.method != 0) source().Fail(ErrorCode::kUnsupported, "has a pickled weight in a compressed record", name);
    std::vector<std::byte> head(ZipDirectory::kLocalHeaderBytes + record.name_size);
    source().ReadAt(record.header, head);
    inner.base = directory().Payload(record, head);
    auto view = std::make_unique<InnerFile>(source(), inner.base, record.stored);
    try {
      ZipDirectory found(*view);
      inner.file = OpenTorchZip(std::move(view), std::move(found), options_);
    } catch (const CheckpointError& error) {
      source().Fail(error.code(), error.sentence(), error.record().empty() ? name : name + "/" + error.record(),
                    CheckpointError::kNoOffset, error.advice());
    }
    if (inner.file->tree().kind(inner.file->tree().root()) != NodeKind::kTensor ||
        inner.file->byteorder() != byteorder_name()) {
      source().Fail(ErrorCode::kUnsupported,
                    "has a pickled weight that is not a dense tensor of the archive's byte order", name);
    }
    return inner;
  }

  std::string_view byteorder_name() const { return big_endian() ? "big" : "little"; }

  OpenOptions options_;  // of the pickled weights
  Heap heap_;
  StorageTable table_;
  Named models_;
  std::vector<Place> places_;
  HashMap<std::string, Inner> inner_;
};

}  // namespace

std::shared_ptr<const SingleFile> OpenTorchExport(std::unique_ptr<FileSource> source, ZipDirectory directory,
                                                  const OpenOptions& options) {
  return std::make_shared<TorchExport>(std::move(source), std::move(directory), options);
}

}  // namespace loadpath
