#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_HEAP_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_HEAP_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/keyed_hash.h"
#include "harness/checkpoint/huge_pages.h"
#include "loadpath/tree.h"

namespace loadpath {

/// A value on the unpickler's stack or in its memo, in 8 bytes. Small values are inside; texts and bytes stay in the
/// pickle and are named by the offset of their opcode; the others are indices into the Heap.
class Value {
 public:
  enum class Tag : std::uint8_t {
    kNone,
    kBool,
    kInt /* 56 bits */,
    kWideInt /* 64 */,
    kBigInt,
    kFloat,
    kText,
    kOwnedText,
    kBytes,
    kOwnedBytes,
    kGlobal /* a name of globals.h */,
    kClass /* any other name, in `owned` */,
    kObject,
  };
  static constexpr std::int64_t kMaxInline = (std::int64_t{1} << 55) - 1;

  constexpr Value() = default;
  constexpr Value(Tag tag, std::uint64_t payload)
      : bits_(static_cast<std::uint64_t>(tag) << 56 | (payload & ((std::uint64_t{1} << 56) - 1))) {}
  constexpr Tag tag() const { return static_cast<Tag>(bits_ >> 56); }
  constexpr std::uint64_t payload() const { return bits_ & ((std::uint64_t{1} << 56) - 1); }
  constexpr std::int64_t inline_integer() const { return static_cast<std::int64_t>(bits_ << 8) >> 8; }
  constexpr bool Is(Tag tag) const { return this->tag() == tag; }
  constexpr bool operator==(const Value&) const = default;  ///< identity, not Python's ==

 private:
  std::uint64_t bits_ = 0;
};

/// A compound value. Tuples are a range of the Heap's pool; growing containers have a vector of their own.
struct Object {
  static constexpr std::uint32_t kNamed = 1u << 31;
  NodeKind kind = NodeKind::kTuple;
  std::uint32_t begin = 0;   ///< tuple, size, complex, object: into pool; list, set, dict: into lists; tensor: into
                             ///< tensors; storage: its StorageId; byte array: into owned
  std::uint32_t count = 0;   ///< of the pool's range
  std::uint32_t global = 0;  ///< object: its name, GlobalAt or kNamed | index into owned; storage: its type; list, set,
                             ///< dict: 0, or kNamed | its class's name
  Value attributes;          ///< from BUILD
};

/// Everything that unpickling makes. Nothing is freed before the end: a pickle of N bytes makes O(N) values.
class Heap {
 public:
  LargeVector<Object> objects;
  LargeVector<Value> pool;
  LargeVector<std::vector<Value>> lists;  ///< dicts: key, value, key, value … as they were set, duplicates included
  std::vector<std::string> owned;
  std::vector<double> reals;
  std::vector<std::int64_t> integers;
  LargeVector<TensorView> tensors;
  std::span<const std::byte> pickle;  ///< that kText and kBytes values point into

  Value Int(std::int64_t value);
  Value Float(double value);
  Value OwnedText(std::string text);
  Value OwnedBytes(std::string bytes);
  /// Makes a name that is not in globals.h: "torch.nn.modules.linear.Linear". It must not contain a NUL byte.
  /// The same name gives the same value.
  Value Class(const std::string& name);
  /// Makes a fixed run of values: tuple, torch.Size, complex, object.
  Value Fixed(NodeKind kind, std::span<const Value> values, std::uint32_t global = 0);
  Value Growing(NodeKind kind);
  Value Tensor(TensorView tensor);

  Object& object(Value value) { return objects[value.payload()]; }
  const Object& object(Value value) const { return objects[value.payload()]; }
  bool IsObject(Value value, NodeKind kind) const {
    return value.Is(Value::Tag::kObject) && object(value).kind == kind;
  }
  /// Returns true for an inert object of an unknown class, and for a container of one (a subclass of dict).
  bool IsNamed(Value value) const {
    return value.Is(Value::Tag::kObject) && (object(value).global & Object::kNamed) != 0;
  }
  bool IsText(Value value) const { return value.Is(Value::Tag::kText) || value.Is(Value::Tag::kOwnedText); }
  bool IsBytes(Value value) const { return value.Is(Value::Tag::kBytes) || value.Is(Value::Tag::kOwnedBytes); }
  bool IsInt(Value value) const { return value.Is(Value::Tag::kInt) || value.Is(Value::Tag::kWideInt); }
  std::int64_t integer(Value value) const {
    return value.Is(Value::Tag::kInt) ? value.inline_integer() : integers[value.payload()];
  }
  double real(Value value) const { return reals[value.payload()]; }
  /// Returns text or bytes. Valid until the pickle's buffer or `owned` grows.
  std::string_view text(Value value) const;
  /// Returns the items of a tuple, list, set, dict, …; none of anything else.
  std::span<const Value> items(Value value) const;
  /// Returns the name that made a kObject, or the class of a named container.
  std::string_view ClassOf(const Object& object) const;
  /// Returns Python's repr(type(value)).
  std::string TypeText(Value value) const;

 private:
  HashMap<std::string, std::uint64_t> classes_;  // by name: into owned
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_HEAP_H_
