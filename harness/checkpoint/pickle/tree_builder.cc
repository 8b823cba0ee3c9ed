#include "harness/checkpoint/pickle/tree_builder.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "harness/base/hash_index.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/pickle/globals.h"
#include "harness/checkpoint/tree_memory.h"

namespace loadpath {

class TreeBuilder {
 public:
  TreeBuilder(std::string file, Heap&& heap, const StorageTable& storages, std::vector<std::byte> pickle)
      : heap_(std::move(heap)), storages_(storages), node_of_(heap_.objects.size(), kNoNode) {
    tree_.file_ = std::move(file);
    memory_->pickle = std::move(pickle);
    heap_.pickle = memory_->pickle;
    memory_->owned = std::move(heap_.owned);
    memory_->tensors = std::move(heap_.tensors);
  }

  Tree Build(Value root) {
    // A key and a value for most tensors, few other values.
    memory_->nodes.reserve(2 * memory_->tensors.size());
    memory_->children.reserve(2 * memory_->tensors.size());
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
      memory_->nodes[id].index = static_cast<std::uint32_t>(memory_->children.size());
      memory_->nodes[id].size = nodes.size();
      memory_->children.insert(memory_->children.end(), nodes.begin(), nodes.end());
    }
    tree_.nodes_ = memory_->nodes;
    tree_.children_ = memory_->children;
    tree_.tensors_ = memory_->tensors;
    tree_.memory_ = std::move(memory_);
    return std::move(tree_);
  }

 private:
  std::string_view TextOf(Value value) const {
    if (value.Is(Value::Tag::kOwnedText) || value.Is(Value::Tag::kOwnedBytes) || value.Is(Value::Tag::kBigInt)) {
      return memory_->owned[value.payload()];
    }
    return heap_.text(value);
  }

  NodeId NodeFor(Value value) {
    if (value.Is(Value::Tag::kObject) && node_of_[value.payload()] != kNoNode) return node_of_[value.payload()];
    const auto id = static_cast<NodeId>(memory_->nodes.size());
    memory_->nodes.emplace_back();
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
        node.type = TypeOf(GlobalAt(static_cast<std::uint32_t>(value.payload())));
        break;
      case Value::Tag::kClass:
        text(NodeKind::kName, memory_->owned[value.payload()]);
        node.type = NamedType::kClass;
        break;
      case Value::Tag::kObject: {
        node_of_[value.payload()] = id;
        const Object object = heap_.object(value);
        node.kind = object.kind;
        FillObject(value, object, node, text);
        memory_->nodes[id] = node;
        if (!object.attributes.Is(Value::Tag::kNone)) {
          const NodeId attributes = AttributesFor(object.attributes);
          memory_->nodes[id].attributes = attributes;
        }
        return id;
      }
    }
    memory_->nodes[id] = node;
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
      if (previous != kNoNode) memory_->nodes[previous].attributes = id;
      previous = id;
      attributes = next;
    }
    if (!attributes.Is(Value::Tag::kNone)) memory_->nodes[previous].attributes = NodeFor(attributes);
    return first;
  }

  // Ends with a NUL, as all names of globals do.
  const char* ClassName(const Object& object) const { return memory_->owned[object.global & ~Object::kNamed].c_str(); }

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
        text(NodeKind::kByteArray, memory_->owned[object.begin]);
        break;
      case NodeKind::kName:
        text(NodeKind::kName, TextOf(heap_.pool[object.begin]));
        node.type = TypeOfName(TextOf(heap_.pool[object.begin]));
        break;
      case NodeKind::kComplex:
        node.real = heap_.real(heap_.pool[object.begin]);
        node.imag = heap_.real(heap_.pool[object.begin + 1]);
        break;
      case NodeKind::kObject:
        node.data = heap_.IsNamed(value) ? ClassName(object) : GlobalAt(object.global).name.data();
        node.type = heap_.IsNamed(value) ? NamedType::kItself : TypeOfObject(GlobalAt(object.global));
        open_.push_back(value);
        break;
      default:
        node.data = heap_.IsNamed(value) ? ClassName(object) : nullptr;
        open_.push_back(value);
    }
  }

  // Python's hash of keys, as far as keys of a checkpoint go: numbers by value, texts and bytes by content, tuples by
  // their elements, everything else by identity.
  KeyedHash Hash(Value key) {
    if (heap_.IsText(key)) return TextHash(key);
    return IsTuple(key) ? TupleHash(key) : ScalarHash(key);
  }

  KeyedHash TextHash(Value value) const {
    const std::string_view text = TextOf(value);
    Charge(text.size() / 64);
    return KeyedHash(text);
  }

  // A long text may be a key of many dicts, and a tower of tuples takes exponential time to compare.
  void Charge(std::uint64_t steps) const {
    steps_ += steps;
    if (steps_ > limits::kWalkSteps + 64 * heap_.pool.size() + memory_->pickle.size()) {
      throw CheckpointError(ErrorCode::kLimitExceeded, tree_.file_, "has dict keys that take too long to compare");
    }
  }

  bool SameText(Value a, Value b) const {
    const std::string_view x = TextOf(a), y = TextOf(b);
    if (x.size() != y.size()) return false;
    Charge(x.size() / 64);
    return x == y;
  }

  KeyedHash ScalarHash(Value value) const {
    if (heap_.IsText(value) || heap_.IsBytes(value) || value.Is(Value::Tag::kBigInt)) return TextHash(value);
    std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
    if (double real = 0; Real(value, real)) {
      // As in Python, each NaN is a key of its own.
      if (!std::isnan(real)) bits = std::bit_cast<std::uint64_t>(real == 0 ? 0.0 : real);  // 0 and -0 are equal
    } else if (heap_.IsInt(value)) {
      bits = static_cast<std::uint64_t>(heap_.integer(value));
    }
    return KeyedHash({reinterpret_cast<const char*>(&bits), sizeof bits});
  }

  // Tuples hold each other as deep as a file is long, and one may stand in many others: no recursion, each hashed once.
  KeyedHash TupleHash(Value tuple) {
    std::vector<Value> open{tuple};
    std::string hashes;
    while (!open.empty()) {
      const Value value = open.back();
      const std::size_t depth = open.size();
      if (!tuple_hashes_.contains(value.payload())) {
        hashes.clear();
        for (const Value item : heap_.items(value)) {
          const auto known = IsTuple(item) ? tuple_hashes_.find(item.payload()) : tuple_hashes_.end();
          if (IsTuple(item) && known == tuple_hashes_.end()) {
            open.push_back(item);
            continue;
          }
          const std::uint64_t hash = (IsTuple(item) ? known->second : ScalarHash(item)).value();
          hashes.append(reinterpret_cast<const char*>(&hash), sizeof hash);
        }
        if (open.size() > depth) continue;
        tuple_hashes_.emplace(value.payload(), KeyedHash(hashes));
      }
      open.pop_back();
    }
    return tuple_hashes_.at(tuple.payload());
  }

  bool Equal(Value a, Value b) const {
    if (heap_.IsText(a) && heap_.IsText(b)) return SameText(a, b);
    std::vector<std::pair<Value, Value>> pairs{{a, b}};
    while (!pairs.empty()) {
      const auto [x, y] = pairs.back();
      pairs.pop_back();
      Charge(1);
      if (x == y) continue;
      if (IsNumber(x) || IsNumber(y)) {
        double p = 0, q = 0;
        const bool real = Real(x, p);
        if (!IsNumber(x) || !IsNumber(y) || real != Real(y, q)) return false;
        if (real ? p != q : heap_.integer(x) != heap_.integer(y)) return false;
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
      if (!(texts || bytes || big) || !SameText(x, y)) return false;
    }
    return true;
  }

  bool IsTuple(Value value) const {
    return heap_.IsObject(value, NodeKind::kTuple) || heap_.IsObject(value, NodeKind::kSize);
  }

  bool IsNumber(Value value) const {
    return value.Is(Value::Tag::kBool) || heap_.IsInt(value) || value.Is(Value::Tag::kFloat);
  }

  // True for numbers that a double holds exactly. Only these can be equal to a number of another type; other integers
  // are equal to integers alone.
  bool Real(Value value, double& real) const {
    if (value.Is(Value::Tag::kFloat)) {
      real = heap_.real(value);
      return true;
    }
    if (!value.Is(Value::Tag::kBool) && !heap_.IsInt(value)) return false;
    const std::int64_t integer = heap_.IsInt(value) ? heap_.integer(value) : static_cast<std::int64_t>(value.payload());
    real = static_cast<double>(integer);
    // The largest integers are rounded to 2^63.
    return real < 0x1p63 && static_cast<std::int64_t>(real) == integer;
  }

  void Deduplicate(std::vector<Value>& items, std::size_t width) {
    const std::size_t count = items.size() / width;
    if (count < 2) return;
    HashIndex index(count);
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
  std::shared_ptr<Tree::Memory> memory_ = std::make_shared<Tree::Memory>();
  Heap heap_;
  const StorageTable& storages_;
  std::vector<NodeId> node_of_;
  std::vector<Value> open_;
  HashMap<std::uint64_t, KeyedHash> tuple_hashes_;
  mutable std::uint64_t steps_ = 0;
};

Tree BuildTree(std::string file, Heap&& heap, const StorageTable& storages, std::vector<std::byte> pickle, Value root) {
  return TreeBuilder(std::move(file), std::move(heap), storages, std::move(pickle)).Build(root);
}

}  // namespace loadpath
