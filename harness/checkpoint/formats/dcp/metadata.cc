#include "harness/checkpoint/formats/dcp/metadata.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include "harness/base/error.h"
#include "harness/base/keyed_hash.h"
#include "harness/base/paths.h"
#include "harness/checkpoint/check_view.h"
#include "harness/checkpoint/formats/dcp/cover.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/pickle/torch_calls.h"
#include "harness/checkpoint/pickle/tree_builder.h"

namespace loadpath {
namespace {

constexpr std::string_view kMetadata = "torch.distributed.checkpoint.metadata.Metadata",
                           kTensor = "torch.distributed.checkpoint.metadata.TensorStorageMetadata",
                           kProperties = "torch.distributed.checkpoint.metadata.TensorProperties",
                           kOldProperties = "torch.distributed._shard.sharded_tensor.metadata.TensorProperties",
                           kChunk = "torch.distributed.checkpoint.metadata.ChunkStorageMetadata",
                           kBytes = "torch.distributed.checkpoint.metadata.BytesStorageMetadata",
                           kIndex = "torch.distributed.checkpoint.metadata.MetadataIndex",
                           kInfo = "torch.distributed.checkpoint.filesystem._StorageInfo";

// Everything else that torch.distributed.checkpoint 2.0 to 2.15 writes there; pathlib is split in two since
// Python 3.13.
constexpr std::string_view kNames[] = {
    kMetadata,
    kTensor,
    kProperties,
    kOldProperties,
    kChunk,
    kBytes,
    kIndex,
    kInfo,
    "torch.distributed.checkpoint.metadata.StorageMeta",
    "torch.distributed.checkpoint.metadata._MEM_FORMAT_ENCODING",
    "torch.distributed._shard.sharded_tensor.metadata.MEM_FORMAT_ENCODING",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "pathlib._local.Path",
    "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath",
    "pathlib._local.PurePosixPath",
    "pathlib._local.PureWindowsPath",
    // Up to Python 3.11.3 (Debian 12 has 3.11.2) an enum is written as getattr(its class, its name). Inert, as they all
    // are.
    "builtins.getattr",
};

class Host final : public TorchCalls {
 public:
  std::optional<Value> ResolveName(Unpickler& unpickler, std::string_view module, std::string_view name) override {
    const std::string full = std::string(module) + "." + std::string(name);
    if (std::find(std::begin(kNames), std::end(kNames), full) == std::end(kNames)) return std::nullopt;
    return unpickler.heap().Class(full);
  }
  std::string_view Advice() const override { return {}; }
  Value PersistentLoad(Unpickler& unpickler, std::span<const Value>) override {
    unpickler.Fail(ErrorCode::kBadPickle, "has a persistent id in a .metadata, which holds no tensors");
  }

 private:
  void CheckStorage(Unpickler&, const Storage&) override {}
  bool HasViews() const override { return false; }
};

class MetadataReader {
 public:
  explicit MetadataReader(const FileSource& source) : source_(source) {}

  DcpMetadata Read() {
    Unpickle();
    const NodeId root = tree().root();
    if (!Is(root, kMetadata)) Fail("is a pickle, but not the .metadata of a distributed checkpoint", {});
    const NodeId version = Field(root, "version");
    if (version != kNoNode && tree().kind(version) == NodeKind::kString && !tree().text(version).starts_with("1.")) {
      source_.Fail(ErrorCode::kBadVersion,
                   "is of version " + std::string(tree().text(version)) + "; version 1 is read here");
    }
    ReadItems(Dict(root, "storage_data"));
    const NodeId paths = Field(root, "planner_data");
    if (paths != kNoNode && tree().IsDict(paths)) {
      const std::span<const NodeId> items = tree().items(paths);
      for (std::size_t i = 0; i < items.size(); i += 2) {
        if (tree().kind(items[i]) == NodeKind::kString) paths_.emplace(tree().text(items[i]), items[i + 1]);
      }
    } else if (paths != kNoNode && tree().kind(paths) != NodeKind::kNone) {
      Fail("has planner_data that is not a dict", {});
    }
    const std::span<const NodeId> entries = tree().items(Dict(root, "state_dict_metadata"));
    for (std::size_t i = 0; i < entries.size(); i += 2) ReadEntry(entries[i], entries[i + 1]);
    for (const auto& [key, item] : items_) {
      if (!used_[item])
        Fail("has storage_data for something that its state_dict_metadata does not list",
             key.substr(0, key.find('\0')));
    }
    return std::move(metadata_);
  }

 private:
  const Tree& tree() const { return metadata_.tree; }

  [[noreturn]] void Fail(std::string_view sentence, std::string_view name) const {
    source_.Fail(ErrorCode::kBadArchive, sentence, name);
  }

  void Unpickle() {
    Host host;
    PickleInput input(source_);
    Heap heap;
    Unpickler unpickler(input, heap, &host);
    const Value root = unpickler.Run();
    if (unpickler.position() != source_.size()) {
      Fail("has " + Counted(source_.size() - unpickler.position(), "byte") + " behind its pickle", {});
    }
    metadata_.tree = BuildTree(source_.path(), std::move(heap), host.storages(), input.Take(), root);
  }

  bool Is(NodeId node, std::string_view name) const {
    return tree().kind(node) == NodeKind::kObject && tree().text(node) == name;
  }

  // A field of an object, or kNoNode.
  NodeId Field(NodeId object, std::string_view name) const {
    const NodeId state = tree().attributes(object);
    return state == kNoNode ? kNoNode : tree().Find(state, name);
  }
  NodeId Dict(NodeId object, std::string_view name) const {
    const NodeId dict = Field(object, name);
    if (dict == kNoNode || !tree().IsDict(dict)) Fail("has no " + std::string(name), {});
    return dict;
  }

  // The pickle may name one torch.Size a million times: what is made of them stays in proportion to it.
  void Charge(std::size_t count) {
    charged_ += count;
    if (charged_ > 4 * source_.size() + 65536)
      source_.Fail(ErrorCode::kLimitExceeded, "has a .metadata that names the same sizes over and over");
  }

  bool IsSize(NodeId node) {
    if (node == kNoNode || !tree().IsSequence(node) || tree().items(node).size() > limits::kDimensions) return false;
    const std::span<const NodeId> items = tree().items(node);
    Charge(items.size());
    return std::all_of(items.begin(), items.end(), [&](NodeId item) { return tree().kind(item) == NodeKind::kInt; });
  }

  std::string Key(std::string_view name, NodeId offset) const {
    std::string key(name);
    key += '\0';
    if (offset == kNoNode || tree().kind(offset) == NodeKind::kNone) return key;
    key += '[';
    for (const NodeId item : tree().items(offset)) key += std::to_string(tree().integer(item)) + ",";
    return key;
  }

  void ReadItems(NodeId storage_data) {
    const std::span<const NodeId> pairs = tree().items(storage_data);
    HashMap<std::string_view, std::uint32_t> files;
    for (std::size_t i = 0; i < pairs.size(); i += 2) {
      const NodeId index = pairs[i], info = pairs[i + 1];
      const NodeId name = Is(index, kIndex) ? Field(index, "fqn") : kNoNode;
      if (name == kNoNode || tree().kind(name) != NodeKind::kString)
        Fail("has storage_data whose key is not a MetadataIndex with a name", {});
      const std::string_view text = tree().text(name);
      if (text.find('\0') != std::string_view::npos) Fail("has a name with a NUL byte", text);
      const NodeId offset = Field(index, "offset");
      if (offset != kNoNode && tree().kind(offset) != NodeKind::kNone && !IsSize(offset))
        Fail("has storage_data whose offset is not a torch.Size", text);
      if (!Is(info, kInfo)) Fail("has storage_data that is not a _StorageInfo", text);
      const NodeId path = Field(info, "relative_path"), begin = Field(info, "offset"), length = Field(info, "length"),
                   transforms = Field(info, "transform_descriptors");
      const auto is_count = [&](NodeId node) {
        return node != kNoNode && tree().kind(node) == NodeKind::kInt && tree().integer(node) >= 0;
      };
      if (path == kNoNode || tree().kind(path) != NodeKind::kString || !is_count(begin) || !is_count(length)) {
        Fail("has storage_data without a relative path, an offset and a length", text);
      }
      if (!StaysInside(tree().text(path)))
        Fail("has storage_data in a file that does not lie in its folder: " + tree().ShortText(path), text);
      if (transforms != kNoNode && tree().kind(transforms) != NodeKind::kNone && !tree().items(transforms).empty()) {
        source_.Fail(ErrorCode::kUnsupported,
                     "has storage_data that went through " + tree().ShortText(tree().items(transforms)[0]) +
                         ": load it with PyTorch and save it again without extensions",
                     text);
      }
      const auto [file, added] = files.emplace(tree().text(path), static_cast<std::uint32_t>(metadata_.files.size()));
      if (added) metadata_.files.emplace_back(tree().text(path));
      const auto number = static_cast<std::uint32_t>(metadata_.items.size());
      if (!items_.emplace(Key(text, offset), number).second) Fail("has storage_data twice for the same part", text);
      metadata_.items.push_back({0, file->second, static_cast<std::uint64_t>(tree().integer(begin)),
                                 static_cast<std::uint64_t>(tree().integer(length))});
    }
    used_.assign(metadata_.items.size(), false);
  }

  std::uint32_t TakeItem(std::string_view name, NodeId offset) {
    const auto found = items_.find(Key(name, offset));
    if (found == items_.end()) return DcpMetadata::kNoItem;
    if (used_[found->second]) Fail("has two chunks at the same offset", name);
    used_[found->second] = true;
    metadata_.items[found->second].entry = static_cast<std::uint32_t>(metadata_.entries.size());
    return found->second;
  }

  void ReadEntry(NodeId name, NodeId described) {
    if (tree().kind(name) != NodeKind::kString) Fail("has state_dict_metadata with a name that is not a str", {});
    DcpEntry entry;
    entry.name = tree().text(name);
    if (const auto path = paths_.find(entry.name); path != paths_.end()) entry.path = path->second;
    if (Is(described, kBytes)) {
      entry.item = TakeItem(entry.name, kNoNode);
      if (entry.item == DcpMetadata::kNoItem)
        source_.Fail(ErrorCode::kMissingRecord, "has no storage_data for a value", entry.name);
    } else if (Is(described, kTensor)) {
      entry.is_tensor = true;
      ReadTensor(entry, described);
    } else {
      Fail("has state_dict_metadata that describes neither a tensor nor bytes", entry.name);
    }
    metadata_.entries.push_back(std::move(entry));
  }

  void ReadTensor(DcpEntry& entry, NodeId described) {
    ReadProperties(entry, Field(described, "properties"));
    const NodeId size = Field(described, "size"), chunks = Field(described, "chunks");
    if (!IsSize(size)) Fail("has a tensor without a size", entry.name);
    for (const NodeId item : tree().items(size)) entry.shape.push_back(tree().integer(item));
    std::int64_t bytes = static_cast<std::int64_t>(ItemSize(entry.dtype));
    for (const std::int64_t extent : entry.shape) {
      if (extent < 0 || __builtin_mul_overflow(bytes, std::max<std::int64_t>(1, extent), &bytes)) {
        source_.Fail(ErrorCode::kBadTensor, "has a tensor of shape " + ShapeText(entry.shape), entry.name);
      }
    }
    if (chunks == kNoNode || tree().kind(chunks) != NodeKind::kList)
      Fail("has a tensor without a list of chunks", entry.name);
    entry.first_chunk = static_cast<std::uint32_t>(metadata_.chunks.size());
    for (const NodeId node : tree().items(chunks)) {
      DcpChunk chunk;
      if (Is(node, kChunk)) {
        chunk.offsets = Field(node, "offsets");
        chunk.sizes = Field(node, "sizes");
      }
      if (!IsSize(chunk.offsets) || !IsSize(chunk.sizes) || tree().items(chunk.offsets).size() != entry.shape.size() ||
          tree().items(chunk.sizes).size() != entry.shape.size()) {
        Fail("has a chunk without offsets and sizes of its tensor's rank", entry.name);
      }
      chunk.item = TakeItem(entry.name, chunk.offsets);
      if (chunk.item == DcpMetadata::kNoItem && !IsEmpty(tree(), chunk)) {
        source_.Fail(ErrorCode::kMissingRecord, "has no storage_data for a chunk", entry.name);
      }
      metadata_.chunks.push_back(chunk);
    }
    entry.chunk_count = static_cast<std::uint32_t>(metadata_.chunks.size()) - entry.first_chunk;
    const CoverProblem problem =
        CheckCover(tree(), entry.shape, std::span(metadata_.chunks).subspan(entry.first_chunk));
    if (!problem.sentence.empty()) source_.Fail(problem.code, problem.sentence, entry.name);
  }

  // (dtype, layout, requires_grad, memory format, pin_memory[, strides]), of which all but the first two are
  // deprecated.
  void ReadProperties(DcpEntry& entry, NodeId properties) const {
    const bool is = properties != kNoNode && (Is(properties, kProperties) || Is(properties, kOldProperties));
    const NodeId state = is ? tree().attributes(properties) : kNoNode;
    const std::span<const NodeId> fields = state == kNoNode ? std::span<const NodeId>() : tree().items(state);
    if (fields.size() < 5 || tree().IsDict(state) || tree().kind(fields[0]) != NodeKind::kName ||
        tree().kind(fields[1]) != NodeKind::kName) {
      Fail("has a tensor without properties", entry.name);
    }
    const std::optional<Dtype> dtype = DtypeByName(tree().text(fields[0]));
    if (!dtype)
      source_.Fail(ErrorCode::kUnsupported,
                   "has a tensor of dtype " + std::string(tree().text(fields[0])) + ", which is not dense", entry.name);
    if (tree().text(fields[1]) != "torch.strided") {
      source_.Fail(ErrorCode::kUnsupported,
                   "has a tensor of layout " + std::string(tree().text(fields[1])) + ", which is not dense",
                   entry.name);
    }
    entry.dtype = *dtype;
  }

  const FileSource& source_;
  DcpMetadata metadata_;
  HashMap<std::string, std::uint32_t> items_;
  std::vector<bool> used_;
  HashMap<std::string_view, NodeId> paths_;
  std::uint64_t charged_ = 0;
};

}  // namespace

DcpMetadata ReadDcpMetadata(const FileSource& source) { return MetadataReader(source).Read(); }

}  // namespace loadpath
