// torch.save's format before PyTorch 1.6, and since then with _use_new_zipfile_serialization=False: five pickles and
// then every storage as its element count (64 bits) and its elements, both little-endian on every machine
// (torch/serialization.py, _legacy_save and _legacy_load; torch/csrc/serialization.cpp).
#include "harness/checkpoint/formats/legacy/legacy.h"

#include <algorithm>

#include "harness/base/error.h"
#include "harness/checkpoint/little_endian.h"
#include "harness/checkpoint/pickle/module_state.h"
#include "harness/checkpoint/pickle/torch_calls.h"
#include "harness/checkpoint/pickle/tree_builder.h"

namespace loadpath {
namespace {

constexpr std::string_view kMagic = "119547037146038801333356";
constexpr std::int64_t kProtocolVersion = 1001;
constexpr std::uint64_t kCountBytes = 8;

class TorchLegacy final : public SingleFile, private TorchCalls {
 public:
  TorchLegacy(std::unique_ptr<FileSource> file, const OpenOptions& options)
      : SingleFile(std::move(file)), TorchCalls(options.opaque) {
    PickleInput input(source());
    std::size_t position = CheckHeader(input);
    Heap heap;
    Unpickler unpickler(input, heap, this, position);
    Value root = unpickler.Run();
    if (options.opaque) root = CollectModules(source(), heap, root);
    position = unpickler.position();
    const std::vector<std::string> keys = ReadKeys(input, position);
    Place(keys, position);
    std::vector<std::byte> pickle = input.Take();
    pickle.resize(unpickler.position());
    Tree tree = BuildTree(path(), std::move(heap), TorchCalls::storages(), std::move(pickle), root);
    Finish(std::move(tree), std::move(TorchCalls::storages().storages()), false);
  }

  std::string_view format() const override { return "legacy"; }

  Slot SlotOf(StorageId storage) const override {
    const std::uint64_t nbytes = SizeOf(storage);
    return {offsets_[storage], kCountBytes + nbytes, kCountBytes, nbytes, false, {}};
  }
  std::string RecordName(StorageId storage) const override { return SingleFile::storages()[storage].name; }
  std::uint64_t ParseHead(StorageId storage, std::span<const std::byte> head) const override {
    const auto count = LittleEndian<std::uint64_t>(head.data());
    const std::uint64_t expected = SizeOf(storage) / std::max<std::uint64_t>(1, itemsizes_[storage]);
    if (count != expected) {
      source().Fail(ErrorCode::kBadTensor,
                    "says that a storage has " + std::to_string(static_cast<std::int64_t>(count)) +
                        " elements, but its pickle says " + std::to_string(expected),
                    RecordName(storage), offsets_[storage]);
    }
    return offsets_[storage] + kCountBytes;
  }

 private:
  std::uint64_t SizeOf(StorageId storage) const { return SingleFile::storages()[storage].nbytes; }

  // The magic number, the protocol version and the saving machine's type sizes, which nothing depends on.
  std::size_t CheckHeader(PickleInput& input) const {
    Heap heap;
    Unpickler magic(input, heap, nullptr);
    const Value number = magic.Run();
    if (!number.Is(Value::Tag::kBigInt) || heap.owned[number.payload()] != kMagic) {
      source().Fail(ErrorCode::kBadPickle, "Invalid magic number; corrupt file?");
    }
    Unpickler version(input, heap, nullptr, magic.position());
    const Value protocol = version.Run();
    if (!heap.IsInt(protocol) || heap.integer(protocol) != kProtocolVersion) {
      source().Fail(ErrorCode::kBadVersion,
                    "Invalid protocol version: " +
                        (heap.IsInt(protocol) ? std::to_string(heap.integer(protocol)) : heap.TypeText(protocol)));
    }
    Unpickler sizes(input, heap, nullptr, version.position());
    sizes.Run();
    return sizes.position();
  }

  std::vector<std::string> ReadKeys(PickleInput& input, std::size_t& position) const {
    Heap heap;
    Unpickler unpickler(input, heap, nullptr, position);
    const Value list = unpickler.Run();
    if (!heap.IsObject(list, NodeKind::kList))
      source().Fail(ErrorCode::kBadPickle, "has no list of storage keys", {}, position);
    std::vector<std::string> keys;
    for (const Value key : heap.items(list)) {
      if (!heap.IsText(key))
        source().Fail(ErrorCode::kBadPickle, "has a storage key that is not a string", {}, position);
      keys.emplace_back(heap.text(key));
    }
    position = unpickler.position();
    return keys;
  }

  // Sizes are known from the pickle, so that no storage needs to be visited to find the next.
  void Place(const std::vector<std::string>& keys, std::uint64_t position) {
    const std::vector<Storage>& storages = TorchCalls::storages().storages();
    offsets_.assign(storages.size(), 0);
    for (StorageId id = 0; id < storages.size(); ++id) itemsizes_.push_back(TorchCalls::storages().itemsize(id));
    for (const std::string& key : keys) {
      const StorageId id = TorchCalls::storages().Find(key);
      if (id == HashIndex::kNone)
        source().Fail(ErrorCode::kBadPickle, "storage key '" + key + "' not found in deserialized_objects");
      if (offsets_[id] != 0) source().Fail(ErrorCode::kBadPickle, "lists storage key '" + key + "' twice");
      offsets_[id] = position;
      if (__builtin_add_overflow(position, kCountBytes, &position) ||
          __builtin_add_overflow(position, storages[id].nbytes, &position)) {
        source().Fail(ErrorCode::kBadTensor, "has storages larger than any file", key);
      }
    }
    for (StorageId id = 0; id < storages.size(); ++id) {
      if (offsets_[id] == 0)
        source().Fail(ErrorCode::kMissingRecord, "names a storage whose bytes it does not hold", storages[id].name);
    }
    const std::uint64_t size = source().size();
    if (position > size) source().Fail(ErrorCode::kBadArchive, "is cut off: " + MissingText(position - size));
    if (position < size) {
      source().Fail(ErrorCode::kBadArchive, "has " + Counted(size - position, "byte") + " behind its last storage", {},
                    position);
    }
  }

  void CheckStorage(Unpickler&, const Storage&) override {}
  bool HasViews() const override { return true; }

  std::vector<std::uint64_t> offsets_;  // of the element counts
  std::vector<std::uint8_t> itemsizes_;
};

}  // namespace

// The magic number 0x1950a86a20f9469cfc6c as LONG1 of 10 bytes, behind PROTO if the protocol has it.
bool IsLegacy(std::string_view head) {
  constexpr std::string_view kMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  constexpr std::string_view kMagicText = "L119547037146038801333356L\n";
  if (head.starts_with(kMagicText)) return true;
  if (head.size() < 2 || head[0] != '\x80') return false;
  return head.substr(2).starts_with(kMagic) ||
         (head.size() > 11 && head[2] == '\x95' && head.substr(11).starts_with(kMagic));
}

std::shared_ptr<const SingleFile> OpenLegacy(std::unique_ptr<FileSource> file, const OpenOptions& options) {
  return std::make_shared<TorchLegacy>(std::move(file), options);
}

}  // namespace loadpath
