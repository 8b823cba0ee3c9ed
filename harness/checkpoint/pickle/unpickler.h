#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_UNPICKLER_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_UNPICKLER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/base/file_source.h"
#include "harness/base/keyed_hash.h"
#include "harness/checkpoint/little_endian.h"
#include "harness/checkpoint/pickle/heap.h"
#include "harness/checkpoint/pickle/opcodes.h"

namespace loadpath {

/// The bytes of a pickle. Of a zip record all are there; of a legacy file, which does not say how long its pickles are,
/// as many as were needed so far.
class PickleInput {
 public:
  PickleInput(const FileSource& source, std::string record, std::vector<std::byte> whole)
      : source_(source), record_(std::move(record)), bytes_(std::move(whole)), end_(bytes_.size()) {}
  /// Takes the file from its start on.
  explicit PickleInput(const FileSource& source) : source_(source), end_(source.size()) {}

  /// Returns true if the first `count` bytes are there, after reading more of the file if need be.
  bool Ensure(std::size_t count);
  std::span<const std::byte> bytes() const { return bytes_; }
  std::vector<std::byte> Take() { return std::move(bytes_); }
  const FileSource& source() const { return source_; }
  /// `position`: in this pickle.
  [[noreturn]] void Fail(ErrorCode code, std::string_view sentence, std::size_t position,
                         std::string_view advice = {}) const {
    source_.Fail(code, sentence, record_, position, advice);
  }

 private:
  const FileSource& source_;
  std::string record_;
  std::vector<std::byte> bytes_;
  std::uint64_t end_;
};

/// Runs a pickle without ever running code of it: every name that is not allow-listed (globals.h) is refused, as
/// PyTorch's weights_only unpickler does (torch/_weights_only_unpickler.py), and other faults are refused in its words.
/// Protocols 0 to 5. Iterative; time and memory are linear in the pickle's size.
class Unpickler {
 public:
  /// Gives names, calls and persistent ids their meaning in the file at hand.
  class Host {
   public:
    virtual ~Host() = default;
    /// Returns the value for a persistent id: a tuple that begins with "storage" or another kind that the host knows.
    virtual Value PersistentLoad(Unpickler& unpickler, std::span<const Value> id) = 0;
    /// Returns function(*args). `function` is allow-listed.
    virtual Value Call(Unpickler& unpickler, std::uint32_t function, std::span<const Value> args) = 0;
    /// Returns the value for a name that is not on PyTorch's list, or nullopt to refuse it. A name from Heap::Class is
    /// inert: calling it, or making an object of it, gives a kObject of that name with the arguments, and nothing runs.
    virtual std::optional<Value> ResolveName(Unpickler&, std::string_view /*module*/, std::string_view /*name*/) {
      return std::nullopt;
    }
    /// Returns what the user can do about a name that is refused because it is not on PyTorch's list.
    virtual std::string_view Advice() const { return {}; }
  };

  /// `host` may be null. Persistent ids and calls are then refused, as in the plain pickles of a legacy file.
  Unpickler(PickleInput& input, Heap& heap, Host* host, std::size_t begin = 0)
      : input_(input), heap_(heap), host_(host), position_(begin) {}

  Value Run();
  /// Returns the offset behind STOP, after Run.
  std::size_t position() const { return position_; }

  Heap& heap() { return heap_; }
  [[noreturn]] void Fail(ErrorCode code, std::string_view sentence, std::string_view advice = {}) const {
    input_.Fail(code, sentence, opcode_, advice);
  }
  /// Accounts for `count` values that a call copies. Throws if their sum is out of proportion to the pickle's size.
  void Charge(std::size_t count);
  /// Throws if a dict or set cannot hold the key: lists, dicts, sets, byte arrays.
  void CheckHashable(Value key) const;

 private:
  // input
  const std::byte* Read(std::size_t count);  // valid until the next Read
  template <typename T>
  T ReadInt() {
    return LittleEndian<T>(Read(sizeof(T)));
  }
  std::string_view ReadLine(std::size_t limit);
  // stack
  void Push(Value value) { stack_.push_back(value); }
  Value Pop();
  Value& Top(std::size_t depth = 0);
  std::span<const Value> SinceMark();  // pops the mark; the caller pops the values
  void PopValues(std::size_t count) { stack_.resize(stack_.size() - count); }

  bool Step(Op op);      // false after STOP
  bool StepText(Op op);  // the text opcodes of protocol 0
  void TextString(bool quoted);
  void Text(std::size_t length_bytes, Value::Tag tag);
  void CheckUtf8(std::string_view text) const;
  void Long(std::size_t length_bytes);
  void Decimal(std::string_view digits);
  void Global(std::string module, std::string name);
  void StackGlobal();
  void Reduce();
  void NewObject(bool keywords);
  void Build();
  void Append(bool many);
  void SetItems(bool many);
  void AddItems();
  void PersistentId();
  Value Inert(Value cls, std::span<const Value> args);
  Value ContentsOf(Value object, NodeKind kind);  // of an inert subclass of list, dict or set
  void MakeTuple(std::size_t count);
  void MakeGrowing(NodeKind kind);
  void Get(std::uint64_t index);
  void Put(std::uint64_t index);

  PickleInput& input_;
  Heap& heap_;
  Host* host_;
  static constexpr std::size_t kNoFrame = SIZE_MAX;
  std::size_t position_, opcode_ = 0, frame_end_ = kNoFrame;  // no instruction crosses the end of its frame
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;
  LargeVector<Value> memo_;
  HashMap<std::uint64_t, Value> far_memo_;  // indices that are not the next one
  HashMap<std::uint64_t, Value> contents_;  // of inert objects that items were added to
  std::uint64_t charged_ = 0;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_UNPICKLER_H_
