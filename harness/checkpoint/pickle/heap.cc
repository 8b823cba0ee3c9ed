#include "harness/checkpoint/pickle/heap.h"

#include "harness/checkpoint/little_endian.h"
#include "harness/checkpoint/pickle/globals.h"
#include "harness/checkpoint/pickle/opcodes.h"
#include "harness/checkpoint/type_names.h"

namespace loadpath {

Value Heap::Int(std::int64_t value) {
  if (value >= -Value::kMaxInline && value <= Value::kMaxInline)
    return {Value::Tag::kInt, static_cast<std::uint64_t>(value)};
  integers.push_back(value);
  return {Value::Tag::kWideInt, integers.size() - 1};
}

Value Heap::Float(double value) {
  reals.push_back(value);
  return {Value::Tag::kFloat, reals.size() - 1};
}

Value Heap::OwnedText(std::string text) {
  owned.push_back(std::move(text));
  return {Value::Tag::kOwnedText, owned.size() - 1};
}

Value Heap::OwnedBytes(std::string bytes) {
  owned.push_back(std::move(bytes));
  return {Value::Tag::kOwnedBytes, owned.size() - 1};
}

Value Heap::Class(const std::string& name) {
  const auto [found, added] = classes_.emplace(name, owned.size());
  if (added) owned.push_back(name);
  return {Value::Tag::kClass, found->second};
}

std::string_view Heap::ClassOf(const Object& object) const {
  if ((object.global & Object::kNamed) != 0) return owned[object.global & ~Object::kNamed];
  return GlobalAt(object.global).name;
}

Value Heap::Fixed(NodeKind kind, std::span<const Value> values, std::uint32_t global) {
  const auto begin = static_cast<std::uint32_t>(pool.size());
  if (!pool.empty() && values.data() >= pool.data() && values.data() < pool.data() + pool.size()) {
    // Growing the pool moves the values that `values` points to.
    const auto from = static_cast<std::size_t>(values.data() - pool.data());
    for (std::size_t i = 0, count = values.size(); i < count; ++i) pool.push_back(Value(pool[from + i]));
  } else {
    pool.insert(pool.end(), values.begin(), values.end());
  }
  objects.push_back({kind, begin, static_cast<std::uint32_t>(values.size()), global, {}});
  return {Value::Tag::kObject, objects.size() - 1};
}

Value Heap::Growing(NodeKind kind) {
  lists.emplace_back();
  objects.push_back({kind, static_cast<std::uint32_t>(lists.size() - 1), 0, 0, {}});
  return {Value::Tag::kObject, objects.size() - 1};
}

Value Heap::Tensor(TensorView tensor) {
  tensors.push_back(std::move(tensor));
  objects.push_back({NodeKind::kTensor, static_cast<std::uint32_t>(tensors.size() - 1), 0, 0, {}});
  return {Value::Tag::kObject, objects.size() - 1};
}

std::string_view Heap::text(Value value) const {
  if (value.Is(Value::Tag::kOwnedText) || value.Is(Value::Tag::kOwnedBytes)) return owned[value.payload()];
  const auto* p = reinterpret_cast<const char*>(pickle.data()) + value.payload();
  switch (static_cast<Op>(static_cast<unsigned char>(*p))) {
    case Op::kShortBinString:
    case Op::kShortBinBytes:
    case Op::kShortBinUnicode:
      return {p + 2, static_cast<unsigned char>(p[1])};
    case Op::kBinString:
    case Op::kBinBytes:
    case Op::kBinUnicode:
      return {p + 5, LittleEndian<std::uint32_t>(p + 1)};
    default:  // BINUNICODE8, BINBYTES8
      return {p + 9, LittleEndian<std::uint64_t>(p + 1)};
  }
}

std::span<const Value> Heap::items(Value value) const {
  if (!value.Is(Value::Tag::kObject)) return {};
  const Object& object = this->object(value);
  switch (object.kind) {
    case NodeKind::kTuple:
    case NodeKind::kSize:
    case NodeKind::kComplex:
    case NodeKind::kObject:
    case NodeKind::kName:
      return std::span(pool).subspan(object.begin, object.count);
    case NodeKind::kList:
    case NodeKind::kSet:
    case NodeKind::kFrozenSet:
    case NodeKind::kDict:
    case NodeKind::kOrderedDict:
    case NodeKind::kCounter:
      return lists[object.begin];
    default:
      return {};
  }
}

std::string Heap::TypeText(Value value) const {
  switch (value.tag()) {
    case Value::Tag::kNone:
      return TypeName(NodeKind::kNone);
    case Value::Tag::kBool:
      return TypeName(NodeKind::kBool);
    case Value::Tag::kInt:
    case Value::Tag::kWideInt:
    case Value::Tag::kBigInt:
      return TypeName(NodeKind::kInt);
    case Value::Tag::kFloat:
      return TypeName(NodeKind::kFloat);
    case Value::Tag::kText:
    case Value::Tag::kOwnedText:
      return TypeName(NodeKind::kString);
    case Value::Tag::kBytes:
    case Value::Tag::kOwnedBytes:
      return TypeName(NodeKind::kBytes);
    case Value::Tag::kGlobal:
      return TypeName(TypeOf(GlobalAt(static_cast<std::uint32_t>(value.payload()))));
    case Value::Tag::kClass:
      return "<class 'type'>";
    case Value::Tag::kObject:
      break;
  }
  const Object& object = this->object(value);
  if (IsNamed(value)) return "<class '" + std::string(ClassOf(object)) + "'>";
  if (object.kind == NodeKind::kObject) {
    const NamedType type = TypeOfObject(GlobalAt(object.global));
    return type == NamedType::kItself ? "<class '" + std::string(ClassOf(object)) + "'>" : TypeName(type);
  }
  if (object.kind == NodeKind::kName) return "<class 'torch.device'>";
  if (object.kind == NodeKind::kTensor && tensors[object.begin].parameter) return kParameterType;
  return TypeName(object.kind);
}

}  // namespace loadpath
