#include "harness/checkpoint/pickle/copy_value.h"

#include <array>
#include <optional>

#include "harness/base/keyed_hash.h"

namespace loadpath {
namespace {

class Copier {
 public:
  Copier(const Tree& tree, Heap& heap, StorageTable& storages, const std::function<StorageId(StorageId)>& storage_of)
      : tree_(tree), heap_(heap), storages_(storages), storage_of_(storage_of) {}

  Value Copy(NodeId from) {
    const Value root = ValueFor(from);
    while (!open_.empty()) {
      const NodeId node = open_.back();
      open_.pop_back();
      const Value value = values_.at(node);
      const std::span<const NodeId> children = tree_.items(node);
      std::vector<Value> items;
      items.reserve(children.size());
      for (const NodeId child : children) items.push_back(ValueFor(child));
      Object& object = heap_.object(value);
      if (Fixed(object.kind)) {
        std::copy(items.begin(), items.end(), heap_.pool.begin() + object.begin);
      } else if (tree_.IsDict(node) || !items.empty()) {
        heap_.lists[object.begin] = std::move(items);
      }
      if (tree_.attributes(node) != kNoNode) {
        const Value attributes = ValueFor(tree_.attributes(node));
        heap_.object(value).attributes = attributes;
      }
    }
    return root;
  }

 private:
  static bool Fixed(NodeKind kind) {
    return kind == NodeKind::kTuple || kind == NodeKind::kSize || kind == NodeKind::kObject;
  }

  Value ValueFor(NodeId node) {
    const auto found = values_.find(node);
    if (found != values_.end()) return found->second;
    const Value value = Make(node);
    values_.emplace(node, value);
    if (tree_.attributes(node) != kNoNode || !tree_.items(node).empty()) open_.push_back(node);
    return value;
  }

  Value Make(NodeId node) {
    switch (tree_.kind(node)) {
      case NodeKind::kNone:
        return {};
      case NodeKind::kBool:
        return {Value::Tag::kBool, tree_.boolean(node) ? 1u : 0u};
      case NodeKind::kInt:
        return heap_.Int(tree_.integer(node));
      case NodeKind::kBigInt:
        return {Value::Tag::kBigInt, Own(node)};
      case NodeKind::kFloat:
        return heap_.Float(tree_.real(node));
      case NodeKind::kComplex: {
        const std::array parts{heap_.Float(tree_.real(node)), heap_.Float(tree_.imag(node))};
        return heap_.Fixed(NodeKind::kComplex, parts);
      }
      case NodeKind::kString:
        return heap_.OwnedText(std::string(tree_.text(node)));
      case NodeKind::kBytes:
        return heap_.OwnedBytes(std::string(tree_.text(node)));
      case NodeKind::kByteArray:
        heap_.objects.push_back({NodeKind::kByteArray, Own(node), 0, 0, {}});
        return {Value::Tag::kObject, heap_.objects.size() - 1};
      case NodeKind::kName: {
        if (const std::optional<std::uint32_t> global = FindGlobal(tree_.text(node)))
          return {Value::Tag::kGlobal, *global};
        const std::array name{heap_.OwnedText(std::string(tree_.text(node)))};
        return heap_.Fixed(NodeKind::kName, name);
      }
      case NodeKind::kTensor: {
        TensorView view = tree_.tensor(node);
        view.storage = storage_of_(view.storage);
        return heap_.Tensor(std::move(view));
      }
      case NodeKind::kStorage: {
        const StorageId id = storage_of_(tree_.storage(node));
        storages_.refs().push_back({id, 0, 0, storages_.storages()[id].nbytes});
        heap_.objects.push_back(
            {NodeKind::kStorage, static_cast<std::uint32_t>(storages_.refs().size() - 1), 0, 0, {}});
        return {Value::Tag::kObject, heap_.objects.size() - 1};
      }
      case NodeKind::kTuple:
      case NodeKind::kSize:
      case NodeKind::kObject: {
        const std::vector<Value> room(tree_.items(node).size());
        return heap_.Fixed(tree_.kind(node), room, tree_.kind(node) == NodeKind::kObject ? NameOf(node) : 0);
      }
      default: {
        const Value made = heap_.Growing(tree_.kind(node));
        if (const std::string_view name = tree_.class_name(node); !name.empty()) {
          heap_.object(made).global =
              Object::kNamed | static_cast<std::uint32_t>(heap_.Class(std::string(name)).payload());
        }
        return made;
      }
    }
  }

  std::uint32_t NameOf(NodeId node) {
    if (const std::optional<std::uint32_t> global = FindGlobal(tree_.text(node))) return *global;
    return Object::kNamed | static_cast<std::uint32_t>(heap_.Class(std::string(tree_.text(node))).payload());
  }

  std::uint32_t Own(NodeId node) {
    heap_.owned.emplace_back(tree_.text(node));
    return static_cast<std::uint32_t>(heap_.owned.size() - 1);
  }

  const Tree& tree_;
  Heap& heap_;
  StorageTable& storages_;
  const std::function<StorageId(StorageId)>& storage_of_;
  HashMap<NodeId, Value> values_;
  std::vector<NodeId> open_;
};

}  // namespace

Value CopyValue(const Tree& tree, NodeId from, Heap& heap, StorageTable& storages,
                const std::function<StorageId(StorageId)>& storage_of) {
  return Copier(tree, heap, storages, storage_of).Copy(from);
}

}  // namespace loadpath
