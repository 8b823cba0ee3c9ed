#include "harness/checkpoint/pickle/tree_builder.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "harness/base/hash_index.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/pickle/globals.h"

namespace loadpath {

class TreeBuilder {
 public:
  TreeBuilder(std::string file, Heap&& heap, const StorageTable& storages, std::vector<std::byte> pickle)
      : heap_(std::move(heap)), storages_(storages), node_of_(heap_.objects.size(), kNoNode) {
    tree_.file_ = std::move(file);
    tree_.pickle_ = std::move(pickle);
    heap_.pickle = tree_.pickle_;
    tree_.owned_ = std::move(heap_.owned);
    tree_.tensors_ = std::move(heap_.tensors);
  }

  Tree Build(Value root) {
    // A key and a value for most tensors, few other values.
    tree_.nodes_.reserve(2 * tree_.tensors_.size());
    tree_.children_.reserve(2 * tree_.tensors_.size());
    tree_.root_ = NodeFor(root);
    std::vector<Value> items;
    std::vector<NodeId> nodes;
    while (!open_.empty()) {
      const Value value = open_.back();
      open_.pop_back();
      const Object& object = heap_.object(value);
      const NodeId id = node_of_[value.payload()];
      const std::span<const Value> raw = heap_.items(value);
      items.assign(raw.begin(), raw.end());
      if (object.kind == NodeKind::kDict || object.kind == NodeKind::kOrderedDict || object.kind == NodeKind::kCounter)
        Deduplicate(items, 2);
      if (object.kind == NodeKind::kSet || object.kind == NodeKind::kFrozenSet) Deduplicate(items, 1);
      nodes.clear();
      for (const Value item : items) nodes.push_back(NodeFor(item));
      tree_.nodes_[id].index = static_cast<std::uint32_t>(tree_.children_.size());
      tree_.nodes_[id].size = nodes.size();
      tree_.children_.insert(tree_.children_.end(), nodes.begin(), nodes.end());
    }
    return std::move(tree_);
  }

 private:
  std::string_view TextOf(Value value) const {
    if (value.Is(Value::Tag::kOwnedText) || value.Is(Value::Tag::kOwnedBytes) || value.Is(Value::Tag::kBigInt)) {
      return tree_.owned_[value.payload()];
    }
    return heap_.text(value);
  }

  NodeId NodeFor(Value value) {
    if (value.Is(Value::Tag::kObject) && node_of_[value.payload()] != kNoNode) return node_of_[value.payload()];
    const auto id = static_cast<NodeId>(tree_.nodes_.size());
    tree_.nodes_.emplace_back();
    Tree::Node node;
    const auto text = [&](NodeKind kind, std::string_view bytes) {
      node.kind = kind;
      node.data = bytes.data();
      node.size = bytes.size();
    };
    switch (value.tag()) {
      case Value::Tag::kNone:
        break;
      case Value::Tag::kBool:
        node.kind = NodeKind::kBool;
        node.integer = static_cast<std::int64_t>(value.payload());
        break;
      case Value::Tag::kInt:
      case Value::Tag::kWideInt:
        node.kind = NodeKind::kInt;
        node.integer = heap_.integer(value);
        break;
      case Value::Tag::kFloat:
        node.kind = NodeKind::kFloat;
        node.real = heap_.real(value);
        break;
      case Value::Tag::kBigInt:
        text(NodeKind::kBigInt, TextOf(value));
        break;
      case Value::Tag::kText:
      case Value::Tag::kOwnedText:
        text(NodeKind::kString, TextOf(value));
        break;
      case Value::Tag::kBytes:
      case Value::Tag::kOwnedBytes:
        text(NodeKind::kBytes, TextOf(value));
        break;
      case Value::Tag::kGlobal:
        text(NodeKind::kName, GlobalAt(static_cast<std::uint32_t>(value.payload())).name);
        break;
      case Value::Tag::kClass:
        text(NodeKind::kName, tree_.owned_[value.payload()]);
        break;
      case Value::Tag::kObject: {
        node_of_[value.payload()] = id;
        const Object object = heap_.object(value);
        node.kind = object.kind;
        FillObject(value, object, node, text);
        tree_.nodes_[id] = node;
        if (!object.attributes.Is(Value::Tag::kNone)) {
          const NodeId attributes = AttributesFor(object.attributes);
          tree_.nodes_[id].attributes = attributes;
        }
        return id;
      }
    }
    tree_.nodes_[id] = node;
    return id;
  }

  // A chain of attributes (the state of the state of …) is as long as the file likes: one level at a time.
  NodeId AttributesFor(Value attributes) {
    if (!attributes.Is(Value::Tag::kObject) || heap_.object(attributes).attributes.Is(Value::Tag::kNone) ||
        node_of_[attributes.payload()] != kNoNode) {
      return NodeFor(attributes);
    }
    NodeId first = kNoNode, previous = kNoNode;
    while (attributes.Is(Value::Tag::kObject) && node_of_[attributes.payload()] == kNoNode) {
      Object& object = heap_.object(attributes);
      const Value next = object.attributes;
      object.attributes = Value();
      const NodeId id = NodeFor(attributes);
      if (first == kNoNode) first = id;
      if (previous != kNoNode) tree_.nodes_[previous].attributes = id;
      previous = id;
      attributes = next;
    }
    if (!attributes.Is(Value::Tag::kNone)) tree_.nodes_[previous].attributes = NodeFor(attributes);
    return first;
  }

  template <typename SetText>
  void FillObject(Value value, const Object& object, Tree::Node& node, const SetText& text) {
    switch (object.kind) {
      case NodeKind::kTensor:
        node.index = object.begin;
        break;
      case NodeKind::kStorage:
        node.index = storages_.refs()[object.begin].id;
        break;
      case NodeKind::kByteArray:
        text(NodeKind::kByteArray, tree_.owned_[object.begin]);
        break;
      case NodeKind::kName:
        text(NodeKind::kName, TextOf(heap_.pool[object.begin]));
        break;
      case NodeKind::kComplex:
        node.real = heap_.real(heap_.pool[object.begin]);
        node.imag = heap_.real(heap_.pool[object.begin + 1]);
        break;
      case NodeKind::kObject:
        // Both end with a NUL.
        node.data = (object.global & Object::kNamed) != 0 ? tree_.owned_[object.global & ~Object::kNamed].c_str()
                                                          : GlobalAt(object.global).name.data();
        [[fallthrough]];
      default:
        open_.push_back(value);
    }
  }

  // Python's hash and == for keys, as far as keys of a checkpoint go: numbers by value, texts and bytes by content,
  // tuples by their elements (64 of them are hashed), everything else by identity.
  std::uint64_t Hash(Value key) const {
    if (heap_.IsText(key)) return std::hash<std::string_view>{}(TextOf(key));
    std::uint64_t hash = 0;
    std::vector<Value> rest{key};
    for (int i = 0; i < 64 && !rest.empty(); ++i) {
      const Value value = rest.back();
      rest.pop_back();
      std::uint64_t one = 0;
      double number = 0;
      if (Number(value, number)) {
        one = std::hash<double>{}(number);
      } else if (heap_.IsText(value) || heap_.IsBytes(value) || value.Is(Value::Tag::kBigInt)) {
        one = std::hash<std::string_view>{}(TextOf(value));
      } else if (IsTuple(value)) {
        const std::span<const Value> items = heap_.items(value);
        const std::span<const Value> some = items.first(std::min<std::size_t>(items.size(), 64));
        rest.insert(rest.end(), some.begin(), some.end());
        one = items.size();
      } else {
        one = std::bit_cast<std::uint64_t>(value);
      }
      hash = hash * 1099511628211u + one;
    }
    return hash;
  }

  bool Equal(Value a, Value b) const {
    if (heap_.IsText(a) && heap_.IsText(b)) return TextOf(a) == TextOf(b);
    std::vector<std::pair<Value, Value>> pairs{{a, b}};
    while (!pairs.empty()) {
      const auto [x, y] = pairs.back();
      pairs.pop_back();
      if (++comparisons_ > limits::kWalkSteps + 64 * heap_.pool.size()) {
        throw CheckpointError(ErrorCode::kLimitExceeded, tree_.file_, "has dict keys that take too long to compare");
      }
      if (x == y) continue;
      double p = 0, q = 0;
      if (Number(x, p) || Number(y, q)) {
        if (!Number(x, p) || !Number(y, q) || !(p == q)) return false;
        if (heap_.IsInt(x) && heap_.IsInt(y) && heap_.integer(x) != heap_.integer(y)) return false;
        continue;
      }
      if (IsTuple(x) && IsTuple(y)) {
        const std::span<const Value> left = heap_.items(x), right = heap_.items(y);
        if (left.size() != right.size()) return false;
        for (std::size_t i = 0; i < left.size(); ++i) pairs.emplace_back(left[i], right[i]);
        continue;
      }
      const bool texts = heap_.IsText(x) && heap_.IsText(y), bytes = heap_.IsBytes(x) && heap_.IsBytes(y),
                 big = x.Is(Value::Tag::kBigInt) && y.Is(Value::Tag::kBigInt);
      if (!(texts || bytes || big) || TextOf(x) != TextOf(y)) return false;
    }
    return true;
  }

  bool IsTuple(Value value) const {
    return heap_.IsObject(value, NodeKind::kTuple) || heap_.IsObject(value, NodeKind::kSize);
  }

  bool Number(Value value, double& number) const {
    if (value.Is(Value::Tag::kBool)) number = static_cast<double>(value.payload());
    if (heap_.IsInt(value)) number = static_cast<double>(heap_.integer(value));
    if (value.Is(Value::Tag::kFloat)) number = heap_.real(value);
    return value.Is(Value::Tag::kBool) || heap_.IsInt(value) || value.Is(Value::Tag::kFloat);
  }

  void Deduplicate(std::vector<Value>& items, std::size_t width) const {
    const std::size_t count = items.size() / width;
    if (count < 2) return;
    Index index(count);
    std::uint32_t kept = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const Value key = items[i * width];
      const std::uint32_t same =
          index.FindOrAdd(Hash(key), kept, [&](std::uint32_t other) { return Equal(items[other * width], key); });
      if (same != kept) {
        if (width == 2) items[same * width + 1] = items[i * width + 1];
        continue;
      }
      for (std::size_t j = 0; j < width; ++j) items[kept * width + j] = items[i * width + j];
      ++kept;
    }
    items.resize(kept * width);
  }

  Tree tree_;
  Heap heap_;
  const StorageTable& storages_;
  std::vector<NodeId> node_of_;
  std::vector<Value> open_;
  mutable std::uint64_t comparisons_ = 0;
};

Tree Freeze(std::string file, Heap&& heap, const StorageTable& storages, std::vector<std::byte> pickle, Value root) {
  return TreeBuilder(std::move(file), std::move(heap), storages, std::move(pickle)).Build(root);
}

}  // namespace loadpath
