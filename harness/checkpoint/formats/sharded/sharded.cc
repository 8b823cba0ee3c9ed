// A model in several files with an index (index.h): safetensors or torch.save files, each holding a flat dict. As
// transformers reads it (modeling_utils.py, load_state_dict over the shards of weight_map), but strictly: index and
// shards must name the same tensors.
#include "harness/checkpoint/formats/sharded/sharded.h"

#include <algorithm>
#include <array>
#include <optional>

#include "harness/base/error.h"
#include "harness/base/parallel.h"
#include "harness/base/paths.h"
#include "harness/checkpoint/formats/formats.h"
#include "harness/checkpoint/formats/sharded/index.h"
#include "harness/checkpoint/pickle/copy_value.h"
#include "harness/checkpoint/pickle/tree_builder.h"

namespace loadpath {
namespace {

class Sharded final : public SeveralFiles {
 public:
  Sharded(std::string path, std::unique_ptr<FileSource> file, const OpenOptions& options)
      : SeveralFiles(std::move(path)), source_(std::move(file)) {
    Heap heap;
    index_ = ReadShardIndex(*source_, heap);
    OpenShards(options);
    for (std::uint32_t i = 0; i < index_.tensors.size(); ++i) {
      by_name_.FindOrAdd(KeyedHash(index_.tensors[i].first), i,
                         [&](std::uint32_t j) { return index_.tensors[j].first == index_.tensors[i].first; });
    }
    FindTensors();
    Build(heap);
    CheckTotalSize(heap);
    tree_ = BuildTree(source_->path(), std::move(heap), table_, {}, root_);
    storages_ = std::move(table_.storages());
    Account();
  }

  std::string_view format() const override { return "sharded"; }
  std::size_t file_count() const override { return shards_.size(); }
  int fd(std::uint32_t file) const override { return shards_[file]->fd(0); }
  const std::string& file_path(std::uint32_t file) const override { return shards_[file]->path(); }

  std::optional<Extent> Locate(StorageId storage) const override {
    std::optional<Extent> extent = shards_[places_[storage].shard]->Locate(places_[storage].storage);
    if (extent) extent->file = places_[storage].shard;
    return extent;
  }

  ReadReport Read(std::span<const ReadJob> jobs, const ReadOptions& options) const override {
    return OrOutOfMemory(path_, "could not be read", [&] {
      std::vector<RecordFile> files;
      for (const auto& shard : shards_) files.push_back(shard->record_file());
      std::vector<ReadJob> local(jobs.begin(), jobs.end());
      std::vector<std::uint32_t> file_of;
      file_of.reserve(jobs.size());
      for (ReadJob& job : local) {
        file_of.push_back(places_[job.storage].shard);
        job.storage = places_[job.storage].storage;
      }
      return ReadRecords(path_, files, file_of, local, options);
    });
  }

 private:
  struct Place {
    std::uint32_t shard = 0;
    StorageId storage = 0;  // there
  };

  std::uint32_t NumberOf(std::string_view name) const {
    return by_name_.Find(KeyedHash(name), [&](std::uint32_t i) { return index_.tensors[i].first == name; });
  }

  void OpenShards(const OpenOptions& options) {
    shards_.resize(index_.shards.size());
    const std::string folder = FolderOf(source_->path());
    ParallelFor(shards_.size(), Cores(), [&](std::size_t i) {
      shards_[i] = OpenSingleFile(OpenListedFile(folder + index_.shards[i], source_->path()), options);
    });
    for (const auto& shard : shards_) {
      if (shard->byteorder() != shards_[0]->byteorder())
        shard->source().Fail(ErrorCode::kBadArchive, "has another byte order than " + index_.shards[0]);
    }
    big_endian_ = !shards_.empty() && shards_[0]->byteorder() == "big";
  }

  // Every shard holds just the tensors that the index maps to it.
  void FindTensors() {
    nodes_.assign(index_.tensors.size(), kNoNode);
    for (std::uint32_t number = 0; number < shards_.size(); ++number) {
      const SingleFile& shard = *shards_[number];
      const Tree& tree = shard.tree();
      const auto fail = [&](const std::string& sentence, std::string_view name) {
        shard.source().Fail(ErrorCode::kBadArchive, sentence, name);
      };
      if (!tree.IsDict(tree.root()))
        fail("is a shard that holds a " + tree.TypeText(tree.root()) + " instead of a dict of tensors", {});
      const std::span<const NodeId> items = tree.items(tree.root());
      for (std::size_t i = 0; i < items.size(); i += 2) {
        const std::string name = tree.KeyText(items[i]);
        if (tree.kind(items[i]) != NodeKind::kString || tree.kind(items[i + 1]) != NodeKind::kTensor)
          fail("is a shard that holds something else than tensors under their names", name);
        const std::uint32_t mapped = NumberOf(name);
        if (mapped == HashIndex::kNone) fail("holds a tensor that the index does not list", name);
        const std::uint32_t home = index_.tensors[mapped].second;
        if (home != number) {
          const bool twice = shards_[home]->tree().Find(shards_[home]->tree().root(), name) != kNoNode;
          fail((twice ? "holds a tensor that stands in " : "holds a tensor that the index maps to ") +
                   index_.shards[home] + (twice ? " as well" : ""),
               name);
        }
        nodes_[mapped] = items[i + 1];
      }
    }
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      const auto& [name, shard] = index_.tensors[i];
      if (nodes_[i] == kNoNode)
        shards_[shard]->source().Fail(ErrorCode::kMissingRecord, "lacks a tensor that the index maps to it", name);
    }
  }

  void Build(Heap& heap) {
    std::vector<std::vector<StorageId>> ids(shards_.size());
    for (std::size_t i = 0; i < shards_.size(); ++i) ids[i].assign(shards_[i]->storages().size(), kNone);
    const auto storage_of = [&](std::uint32_t shard, StorageId local) {
      StorageId& id = ids[shard][local];
      if (id != kNone) return id;
      Storage storage = shards_[shard]->storages()[local];
      // Storages of two torch.save files are both called "0".
      storage.name.insert(0, index_.shards[shard] + "/");
      id = static_cast<StorageId>(table_.storages().size());
      table_.storages().push_back(std::move(storage));
      places_.push_back({shard, local});
      return id;
    };
    root_ = heap.Growing(NodeKind::kOrderedDict);
    std::vector<Value> items;
    items.reserve(2 * nodes_.size());
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      const auto& [name, shard] = index_.tensors[i];
      TensorView view = shards_[shard]->tree().tensor(nodes_[i]);
      tensor_bytes_ += view.nbytes();
      view.storage = storage_of(shard, view.storage);
      items.push_back(heap.OwnedText(name));
      items.push_back(heap.Tensor(std::move(view)));
    }
    for (const Storage& storage : table_.storages()) storage_bytes_ += storage.nbytes;
    heap.lists[heap.object(root_).begin] = std::move(items);
    std::vector<Value> attributes;
    for (const char* name : {"_metadata", "__metadata__"}) {
      const Value merged = Merge(heap, name, storage_of);
      if (merged.Is(Value::Tag::kNone)) continue;
      attributes.push_back(heap.OwnedText(name));
      attributes.push_back(merged);
    }
    if (!index_.metadata.Is(Value::Tag::kNone)) {
      attributes.push_back(heap.OwnedText("metadata"));
      attributes.push_back(index_.metadata);
    }
    if (attributes.empty()) return;
    const Value dict = heap.Growing(NodeKind::kDict);
    heap.lists[heap.object(dict).begin] = std::move(attributes);
    heap.object(root_).attributes = dict;
  }

  // Merges the dicts that the shards' roots carry under `name`. Returns None if none carries one.
  template <typename StorageOf>
  Value Merge(Heap& heap, std::string_view name, const StorageOf& storage_of) {
    Value merged;
    for (std::uint32_t shard = 0; shard < shards_.size(); ++shard) {
      const Tree& tree = shards_[shard]->tree();
      const NodeId attributes = tree.attributes(tree.root());
      const NodeId found = attributes == kNoNode ? kNoNode : tree.Find(attributes, name);
      if (found == kNoNode || !tree.IsDict(found)) continue;
      if (merged.Is(Value::Tag::kNone)) merged = heap.Growing(tree.kind(found));
      const Value copy =
          CopyValue(tree, found, heap, table_, [&](StorageId local) { return storage_of(shard, local); });
      const std::vector<Value> items(heap.items(copy).begin(), heap.items(copy).end());
      std::vector<Value>& all = heap.lists[heap.object(merged).begin];
      all.insert(all.end(), items.begin(), items.end());
    }
    return merged;
  }

  // transformers counts a storage that several tensors share once, others count every tensor.
  void CheckTotalSize(const Heap& heap) {
    const std::span<const Value> metadata = heap.items(index_.metadata);
    for (std::size_t i = 0; i + 1 < metadata.size(); i += 2) {
      if (heap.text(metadata[i]) != "total_size") continue;
      const Value size = metadata[i + 1];
      std::string text;
      if (heap.IsInt(size)) {
        if (heap.integer(size) >= 0) {
          const auto bytes = static_cast<std::uint64_t>(heap.integer(size));
          if (bytes == tensor_bytes_ || bytes == storage_bytes_) return;
        }
        text = std::to_string(heap.integer(size));
      } else if (size.Is(Value::Tag::kFloat)) {
        // Some writers give the sum as a float.
        if (heap.real(size) == static_cast<double>(tensor_bytes_) ||
            heap.real(size) == static_cast<double>(storage_bytes_))
          return;
        text = "another number";
      } else {
        text = "a " + heap.TypeText(size);
      }
      warnings_.push_back("metadata.total_size is " + text + ", but the tensors have " +
                          Counted(tensor_bytes_, "byte"));
    }
  }

  void Account() {
    open_report_.bytes_read = source_->bytes_read();
    open_report_.read_calls = source_->read_calls();
    for (const auto& shard : shards_) {
      open_report_.bytes_read += shard->open_report().bytes_read;
      open_report_.read_calls += shard->open_report().read_calls;
    }
  }

  static constexpr StorageId kNone = ~StorageId{0};

  std::unique_ptr<FileSource> source_;
  ShardIndex index_;
  HashIndex by_name_;
  std::vector<std::shared_ptr<const SingleFile>> shards_;
  std::vector<NodeId> nodes_;  // of each tensor in its shard's tree
  std::vector<Place> places_;  // of each storage
  StorageTable table_;
  Value root_;
  std::uint64_t tensor_bytes_ = 0, storage_bytes_ = 0;
};

}  // namespace

// A safetensors file may begin with "{", too: as the lowest byte of a length, whose highest bytes are 0.
bool IsShardIndex(std::string_view head) {
  const std::size_t begin = head.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && head[begin] == '{' && (head.size() < 8 || head[7] != '\0');
}

std::shared_ptr<const Checkpoint> OpenSharded(std::string path, std::unique_ptr<FileSource> index,
                                              const OpenOptions& options) {
  return std::make_shared<Sharded>(std::move(path), std::move(index), options);
}

}  // namespace loadpath
