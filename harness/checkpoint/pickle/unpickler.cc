#include "harness/checkpoint/pickle/unpickler.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/pickle/globals.h"

namespace loadpath {

bool PickleInput::Ensure(std::size_t count) {
  if (count <= bytes_.size()) return true;
  if (count > end_) return false;
  if (count > limits::kPickleBytes) Fail(ErrorCode::kLimitExceeded, "has a pickle of more than 1 GiB", bytes_.size());
  // Doubling: a pickle in front of gigabytes of data is read at most twice over.
  const std::size_t begin = bytes_.size();
  const std::size_t wanted = std::max<std::size_t>({count, 2 * begin, std::size_t{1} << 16});
  bytes_.resize(std::min<std::uint64_t>(wanted, end_));
  source_.ReadAt(begin, std::span(bytes_).subspan(begin));
  return true;
}

const std::byte* Unpickler::Read(std::size_t count) {
  if (count > std::size_t{1} << 48 || !input_.Ensure(position_ + count)) {
    Fail(ErrorCode::kBadPickle, "has a pickle that is cut off");
  }
  const std::byte* p = input_.bytes().data() + position_;
  position_ += count;
  return p;
}

void Unpickler::Charge(std::size_t count) {
  charged_ += count;
  if (charged_ > 16 * input_.bytes().size() + limits::kCopies) {
    Fail(ErrorCode::kLimitExceeded, "has a pickle that copies the same values over and over");
  }
}

Value Unpickler::Pop() {
  const Value value = Top();
  stack_.pop_back();
  return value;
}

Value& Unpickler::Top(std::size_t depth) {
  const std::size_t base = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() - base <= depth)
    Fail(ErrorCode::kBadPickle, "has a pickle that takes more from its stack than it put there");
  return stack_[stack_.size() - 1 - depth];
}

std::span<const Value> Unpickler::SinceMark() {
  if (marks_.empty()) Fail(ErrorCode::kBadPickle, "has a pickle that goes back to a mark that it never set");
  const std::size_t base = marks_.back();
  marks_.pop_back();
  return std::span<const Value>(stack_).subspan(base);
}

void Unpickler::Get(std::uint64_t index) {
  if (index < memo_.size()) return Push(memo_[index]);
  const auto found = far_memo_.find(index);
  if (found == far_memo_.end()) {
    Fail(ErrorCode::kBadPickle,
         "has a pickle that asks its memo for entry " + std::to_string(index) + ", which was never put there");
  }
  Push(found->second);
}

void Unpickler::Put(std::uint64_t index) {
  const Value value = Top();
  if (index < memo_.size()) {
    memo_[index] = value;
  } else if (index == memo_.size()) {
    memo_.push_back(value);
  } else {
    far_memo_[index] = value;
  }
}

void Unpickler::MakeTuple(std::size_t count) {
  if (count > 0) Top(count - 1);
  const Value tuple = heap_.Fixed(NodeKind::kTuple, std::span<const Value>(stack_).last(count));
  PopValues(count);
  Push(tuple);
}

void Unpickler::MakeGrowing(NodeKind kind) {
  const std::span<const Value> items = SinceMark();
  const Value made = heap_.Growing(kind);
  if (kind == NodeKind::kDict && items.size() % 2 != 0)
    Fail(ErrorCode::kBadPickle, "has a dict with a key and no value");
  for (std::size_t i = 0; i < items.size(); i += 2) {
    if (kind == NodeKind::kDict) CheckHashable(items[i]);
  }
  if (kind == NodeKind::kFrozenSet) {
    for (const Value item : items) CheckHashable(item);
  }
  heap_.lists[heap_.object(made).begin].assign(items.begin(), items.end());
  PopValues(items.size());
  Push(made);
}

void Unpickler::CheckHashable(Value key) const {
  if (!key.Is(Value::Tag::kObject) || heap_.IsNamed(key)) return;
  switch (heap_.object(key).kind) {
    case NodeKind::kList:
    case NodeKind::kDict:
    case NodeKind::kOrderedDict:
    case NodeKind::kCounter:
    case NodeKind::kSet:
    case NodeKind::kByteArray: {
      const std::string type = heap_.TypeText(key);  // <class 'list'>
      const std::size_t dot = type.rfind('.'), begin = dot == std::string::npos ? type.find('\'') : dot;
      Fail(ErrorCode::kBadPickle,
           "TypeError: unhashable type: '" + type.substr(begin + 1, type.size() - begin - 3) + "'");
    }
    default:
      return;
  }
}

void Unpickler::Append(bool many) {
  const std::size_t count = many ? SinceMark().size() : 1;
  const Value list = ContentsOf(Top(count), NodeKind::kList);
  if (!heap_.IsObject(list, NodeKind::kList)) {
    Fail(ErrorCode::kBadPickle,
         std::string(many ? "Can only extend lists, but got " : "Can only append to lists, but got ") +
             heap_.TypeText(list));
  }
  std::vector<Value>& items = heap_.lists[heap_.object(list).begin];
  items.insert(items.end(), stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  PopValues(count);
}

void Unpickler::AddItems() {
  const std::size_t count = SinceMark().size();
  const Value set = ContentsOf(Top(count), NodeKind::kSet);
  if (!heap_.IsObject(set, NodeKind::kSet))
    Fail(ErrorCode::kBadPickle, "Can only add items to sets, but got " + heap_.TypeText(set));
  std::vector<Value>& items = heap_.lists[heap_.object(set).begin];
  for (std::size_t i = 0; i < count; ++i) {
    CheckHashable(stack_[stack_.size() - count + i]);
    items.push_back(stack_[stack_.size() - count + i]);
  }
  PopValues(count);
}

void Unpickler::SetItems(bool many) {
  const std::size_t count = many ? SinceMark().size() : 2;
  const Value dict = ContentsOf(Top(count), NodeKind::kDict);
  if (!heap_.IsObject(dict, NodeKind::kDict) && !heap_.IsObject(dict, NodeKind::kOrderedDict) &&
      !heap_.IsObject(dict, NodeKind::kCounter)) {
    Fail(ErrorCode::kBadPickle, std::string("Can only ") + (many ? "SETITEMS" : "SETITEM") +
                                    " for dict, collections.OrderedDict, collections.Counter, but got " +
                                    heap_.TypeText(dict));
  }
  if (count % 2 != 0) Fail(ErrorCode::kBadPickle, "has a dict with a key and no value");
  std::vector<Value>& items = heap_.lists[heap_.object(dict).begin];
  for (std::size_t i = 0; i < count; ++i) {
    const Value value = stack_[stack_.size() - count + i];
    if (i % 2 == 0) CheckHashable(value);
    items.push_back(value);
  }
  PopValues(count);
}

void Unpickler::Global(std::string module, std::string name) {
  MapPython2Name(module, name);
  // PyTorch moved it (serialization.py, load_module_mapping).
  if (module == "torch.tensor") module = "torch._tensor";
  const std::optional<std::uint32_t> found = FindGlobal(module + "." + name);
  if (found) return Push({Value::Tag::kGlobal, *found});
  const std::optional<Value> other = host_ == nullptr ? std::nullopt : host_->ResolveName(*this, module, name);
  if (other) return Push(*other);
  const std::string_view advice = IsBlocked(module, name) ? "do not trust this file"
                                  : host_ == nullptr      ? std::string_view()
                                                          : host_->Advice();
  Fail(ErrorCode::kForbiddenGlobal, ForbiddenText(module, name), advice);
}

void Unpickler::StackGlobal() {
  const Value name = Pop(), module = Pop();
  if (!heap_.IsText(name) || !heap_.IsText(module)) Fail(ErrorCode::kBadPickle, "STACK_GLOBAL requires str");
  const std::string_view folder = heap_.text(module), last = heap_.text(name);
  if (folder.size() > limits::kLineBytes || last.size() > limits::kLineBytes)
    Fail(ErrorCode::kLimitExceeded, "names a module or a class with more than 8192 bytes");
  Charge((folder.size() + last.size()) / 8);
  Global(std::string(folder), std::string(last));
}

void Unpickler::Reduce() {
  const Value args = Pop(), function = Top();
  const bool inert = function.Is(Value::Tag::kClass);
  if (!inert && !function.Is(Value::Tag::kGlobal)) {
    Fail(ErrorCode::kForbiddenGlobal, "Trying to call reduce for unrecognized function " + heap_.TypeText(function));
  }
  if (!heap_.IsObject(args, NodeKind::kTuple))
    Fail(ErrorCode::kBadPickle, "has a call whose arguments are not a tuple");
  if (host_ == nullptr) Fail(ErrorCode::kBadPickle, "has a call instead of a plain value");
  const std::span<const Value> items = heap_.items(args);
  if (items.size() > limits::kArguments)
    Fail(ErrorCode::kBadPickle, "has a call with " + std::to_string(items.size()) + " arguments");
  // A copy: the call may grow the pool that `items` points into.
  const std::vector<Value> copy(items.begin(), items.end());
  if (inert) {
    stack_.back() = Inert(function, copy);
    return;
  }
  stack_.back() = host_->Call(*this, static_cast<std::uint32_t>(function.payload()), copy);
}

Value Unpickler::Inert(Value cls, std::span<const Value> args) {
  return heap_.Fixed(NodeKind::kObject, args, Object::kNamed | static_cast<std::uint32_t>(cls.payload()));
}

// Items that a pickle adds to an inert object make it a container of its class: a subclass of dict holds them under its
// own keys. If the object was made with arguments (a defaultdict), it keeps these, and the items stand in a container
// that becomes its last argument.
Value Unpickler::ContentsOf(Value object, NodeKind kind) {
  if (!heap_.IsObject(object, NodeKind::kObject) || (heap_.object(object).global & Object::kNamed) == 0) return object;
  const std::span<const Value> args = heap_.items(object);
  const auto [found, added] = contents_.emplace(object.payload(), Value());
  if (!added) return found->second;
  if (args.empty()) {
    found->second = object;
    Object& made = heap_.object(object);
    made.kind = kind;
    made.begin = static_cast<std::uint32_t>(heap_.lists.size());
    heap_.lists.emplace_back();
    return object;
  }
  Charge(args.size());
  std::vector<Value> items(args.begin(), args.end());
  found->second = heap_.Growing(kind);
  items.push_back(found->second);
  const Value with_contents = heap_.Fixed(NodeKind::kObject, items);
  heap_.object(object).begin = heap_.object(with_contents).begin;
  heap_.object(object).count = static_cast<std::uint32_t>(items.size());
  return found->second;
}

void Unpickler::NewObject(bool keywords) {
  if (keywords && !heap_.items(Pop()).empty()) Fail(ErrorCode::kBadPickle, "has an object made with keyword arguments");
  const Value cls = Top(1);
  if (cls.Is(Value::Tag::kClass)) return Reduce();
  const bool is_class = cls.Is(Value::Tag::kGlobal) &&
                        TypeOf(GlobalAt(static_cast<std::uint32_t>(cls.payload()))) != NamedType::kFunction;
  if (!is_class) {
    Fail(ErrorCode::kForbiddenGlobal,
         "Can only create new object for nn.Parameter or classes allowlisted via `add_safe_globals` but got " +
             heap_.TypeText(cls));
  }
  Reduce();
}

void Unpickler::Build() {
  const Value state = Pop(), instance = Top();
  const bool buildable = heap_.IsObject(instance, NodeKind::kOrderedDict) ||
                         heap_.IsObject(instance, NodeKind::kCounter) || heap_.IsObject(instance, NodeKind::kTensor) ||
                         heap_.IsObject(instance, NodeKind::kObject) || heap_.IsNamed(instance);
  if (!buildable) {
    Fail(ErrorCode::kForbiddenGlobal,
         "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got " +
             heap_.TypeText(instance));
  }
  Object& object = heap_.object(instance);
  const bool mapping = heap_.IsObject(state, NodeKind::kDict) || heap_.IsObject(state, NodeKind::kOrderedDict);
  if (object.kind == NodeKind::kOrderedDict && !mapping) {
    Fail(ErrorCode::kBadPickle, "has an OrderedDict whose state is not a dict");
  }
  if (!object.attributes.Is(Value::Tag::kNone)) Fail(ErrorCode::kBadPickle, "has an object that is built twice");
  object.attributes = state;
}

void Unpickler::PersistentId() {
  const Value id = Pop();
  if (heap_.IsInt(id)) Fail(ErrorCode::kBadPickle, "saved_id must be a tuple, got int");
  if (!heap_.IsObject(id, NodeKind::kTuple)) {
    Fail(ErrorCode::kForbiddenGlobal, "persistent_load id must be tuple or int, but got " + heap_.TypeText(id));
  }
  if (host_ == nullptr) Fail(ErrorCode::kBadPickle, "unsupported persistent id encountered");
  const std::span<const Value> items = heap_.items(id);
  const std::vector<Value> copy(
      items.begin(), items.begin() + static_cast<std::ptrdiff_t>(std::min(items.size(), limits::kArguments)));
  Push(host_->PersistentLoad(*this, copy));
}

Value Unpickler::Run() {
  // Roughly as much as a state dict of many tensors needs: growing step by step touches twice the memory.
  const std::size_t size = input_.bytes().size();
  heap_.pool.reserve(size / 8);
  heap_.objects.reserve(size / 24);
  heap_.lists.reserve(size / 160);
  heap_.tensors.reserve(size / 160);
  memo_.reserve(size / 12);
  for (;;) {
    opcode_ = position_;
    if (!input_.Ensure(position_ + 1))
      Fail(ErrorCode::kBadPickle, "has a pickle that is cut off: it does not end with STOP");
    heap_.pickle = input_.bytes();
    const auto op = static_cast<Op>(input_.bytes()[position_++]);
    const bool more = Step(op);
    heap_.pickle = input_.bytes();
    if (position_ > frame_end_) Fail(ErrorCode::kBadPickle, "pickle exhausted before end of frame");
    if (position_ == frame_end_) frame_end_ = kNoFrame;
    if (!more) return stack_.back();
  }
}

bool Unpickler::Step(Op op) {
  switch (op) {
    case Op::kProto: {
      const auto protocol = std::to_integer<unsigned>(*Read(1));
      if (protocol > 5) Fail(ErrorCode::kBadPickle, "unsupported pickle protocol: " + std::to_string(protocol));
      break;
    }
    case Op::kFrame: {
      const auto size = ReadInt<std::uint64_t>();
      if (size > std::uint64_t{1} << 48 || !input_.Ensure(position_ + size))
        Fail(ErrorCode::kBadPickle, "pickle exhausted before end of frame");
      if (frame_end_ != kNoFrame) Fail(ErrorCode::kBadPickle, "beginning of a new frame before end of current frame");
      frame_end_ = position_ + size;
      break;
    }
    case Op::kStop:
      Top();
      return false;
    case Op::kMark:
      marks_.push_back(stack_.size());
      break;
    case Op::kPop:
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        Pop();
      }
      break;
    case Op::kPopMark:
      PopValues(SinceMark().size());
      break;
    case Op::kDup:
      Push(Value(Top()));
      break;
    case Op::kNone:
      Push({});
      break;
    case Op::kNewTrue:
      Push({Value::Tag::kBool, 1});
      break;
    case Op::kNewFalse:
      Push({Value::Tag::kBool, 0});
      break;
    case Op::kBinInt:
      Push(heap_.Int(static_cast<std::int32_t>(ReadInt<std::uint32_t>())));
      break;
    case Op::kBinInt1:
      Push(heap_.Int(ReadInt<std::uint8_t>()));
      break;
    case Op::kBinInt2:
      Push(heap_.Int(ReadInt<std::uint16_t>()));
      break;
    case Op::kLong1:
      Long(1);
      break;
    case Op::kLong4:
      Long(4);
      break;
    case Op::kBinFloat: {
      std::uint64_t bits = 0;
      const std::byte* p = Read(8);
      for (int i = 0; i < 8; ++i) bits = bits << 8 | std::to_integer<std::uint64_t>(p[i]);
      Push(heap_.Float(std::bit_cast<double>(bits)));
      break;
    }
    case Op::kShortBinUnicode:
    case Op::kShortBinString:
      Text(1, Value::Tag::kText);
      break;
    case Op::kBinUnicode:
    case Op::kBinString:
      Text(4, Value::Tag::kText);
      break;
    case Op::kBinUnicode8:
      Text(8, Value::Tag::kText);
      break;
    case Op::kShortBinBytes:
      Text(1, Value::Tag::kBytes);
      break;
    case Op::kBinBytes:
      Text(4, Value::Tag::kBytes);
      break;
    case Op::kBinBytes8:
      Text(8, Value::Tag::kBytes);
      break;
    case Op::kByteArray8: {
      const auto size = ReadInt<std::uint64_t>();
      const std::byte* p = Read(size);
      heap_.owned.emplace_back(reinterpret_cast<const char*>(p), size);
      heap_.objects.push_back({NodeKind::kByteArray, static_cast<std::uint32_t>(heap_.owned.size() - 1), 0, 0, {}});
      Push({Value::Tag::kObject, heap_.objects.size() - 1});
      break;
    }
    case Op::kEmptyTuple:
      Push(heap_.Fixed(NodeKind::kTuple, {}));
      break;
    case Op::kTuple1:
      MakeTuple(1);
      break;
    case Op::kTuple2:
      MakeTuple(2);
      break;
    case Op::kTuple3:
      MakeTuple(3);
      break;
    case Op::kTuple: {
      const std::size_t count = SinceMark().size();
      MakeTuple(count);
      break;
    }
    case Op::kEmptyList:
      Push(heap_.Growing(NodeKind::kList));
      break;
    case Op::kEmptyDict:
      Push(heap_.Growing(NodeKind::kDict));
      break;
    case Op::kEmptySet:
      Push(heap_.Growing(NodeKind::kSet));
      break;
    case Op::kList:
      MakeGrowing(NodeKind::kList);
      break;
    case Op::kDict:
      MakeGrowing(NodeKind::kDict);
      break;
    case Op::kFrozenSet:
      MakeGrowing(NodeKind::kFrozenSet);
      break;
    case Op::kAppend:
      Append(false);
      break;
    case Op::kAppends:
      Append(true);
      break;
    case Op::kSetItem:
      SetItems(false);
      break;
    case Op::kSetItems:
      SetItems(true);
      break;
    case Op::kAddItems:
      AddItems();
      break;
    case Op::kBinGet:
      Get(ReadInt<std::uint8_t>());
      break;
    case Op::kLongBinGet:
      Get(ReadInt<std::uint32_t>());
      break;
    case Op::kBinPut:
      Put(ReadInt<std::uint8_t>());
      break;
    case Op::kLongBinPut:
      Put(ReadInt<std::uint32_t>());
      break;
    case Op::kMemoize:
      Put(memo_.size() + far_memo_.size());
      break;
    case Op::kStackGlobal:
      StackGlobal();
      break;
    case Op::kReduce:
      Reduce();
      break;
    case Op::kNewObj:
      NewObject(false);
      break;
    case Op::kNewObjEx:
      NewObject(true);
      break;
    case Op::kBuild:
      Build();
      break;
    case Op::kBinPersId:
      PersistentId();
      break;
    default:
      return StepText(op);
  }
  return true;
}

}  // namespace loadpath
