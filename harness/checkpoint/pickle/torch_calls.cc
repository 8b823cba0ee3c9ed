#include "harness/checkpoint/pickle/torch_calls.h"

#include <utility>

#include "harness/base/error.h"
#include "harness/checkpoint/check_view.h"
#include "harness/checkpoint/limits.h"

namespace loadpath {
namespace {

using K = GlobalKind;

constexpr std::string_view kOpaqueAdvice = "the option opaque (--opaque) reads it as an inert object";

[[noreturn]] void BadTensor(Unpickler& unpickler, const std::string& sentence) {
  unpickler.Fail(ErrorCode::kBadTensor, sentence);
}

std::vector<std::int64_t> Integers(Unpickler& unpickler, Value value, const char* what) {
  const Heap& heap = unpickler.heap();
  const bool sequence = heap.IsObject(value, NodeKind::kTuple) || heap.IsObject(value, NodeKind::kSize) ||
                        heap.IsObject(value, NodeKind::kList);
  const std::span<const Value> items = heap.items(value);
  if (!sequence) BadTensor(unpickler, std::string("has a tensor whose ") + what + " is not a tuple");
  if (items.size() > limits::kDimensions) BadTensor(unpickler, "has a tensor of more than 64 dimensions");
  unpickler.Charge(items.size());
  std::vector<std::int64_t> integers;
  integers.reserve(items.size());
  for (const Value item : items) {
    if (!heap.IsInt(item))
      BadTensor(unpickler, std::string("has a tensor whose ") + what + " is not a tuple of integers");
    integers.push_back(heap.integer(item));
  }
  return integers;
}

bool Flag(Unpickler& unpickler, Value value, const char* what) {
  if (!value.Is(Value::Tag::kBool)) BadTensor(unpickler, std::string("has a tensor whose ") + what + " is not a bool");
  return value.payload() != 0;
}

void Metadata(Unpickler& unpickler, Value value, TensorView& view) {
  if (value.Is(Value::Tag::kNone)) return;
  const Heap& heap = unpickler.heap();
  if (!heap.IsObject(value, NodeKind::kDict)) BadTensor(unpickler, "has a tensor whose metadata is not a dict");
  const std::span<const Value> items = heap.items(value);
  unpickler.Charge(items.size());
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (!heap.IsText(items[i])) continue;
    if (heap.text(items[i]) == "conj") view.conj = Flag(unpickler, items[i + 1], "conj bit");
    if (heap.text(items[i]) == "neg") view.neg = Flag(unpickler, items[i + 1], "neg bit");
  }
  const bool is_complex = Info(view.dtype).swap_unit * 2 == Info(view.dtype).itemsize;
  if (view.conj && !is_complex) BadTensor(unpickler, "has a conjugate bit on a tensor that is not complex");
}

void WantArguments(Unpickler& unpickler, const Global& function, std::span<const Value> args, std::size_t low,
                   std::size_t high) {
  if (args.size() >= low && args.size() <= high) return;
  unpickler.Fail(ErrorCode::kBadPickle,
                 "calls " + std::string(function.name) + " with " + std::to_string(args.size()) + " arguments");
}

}  // namespace

std::optional<Value> TorchCalls::ResolveName(Unpickler& unpickler, std::string_view module, std::string_view name) {
  if (!opaque_ || IsBlocked(module, name)) return std::nullopt;
  const std::string full = std::string(module) + "." + std::string(name);
  if (full.find('\0') != std::string::npos) unpickler.Fail(ErrorCode::kBadPickle, "names a class with a NUL byte");
  return unpickler.heap().Class(full);
}

std::string_view TorchCalls::Advice() const { return opaque_ ? "" : kOpaqueAdvice; }

Value TorchCalls::PersistentLoad(Unpickler& unpickler, std::span<const Value> id) {
  Heap& heap = unpickler.heap();
  const std::string_view kind = !id.empty() && heap.IsText(id[0]) ? heap.text(id[0]) : std::string_view();
  if (kind == "module" && opaque_ && HasViews()) {
    // ('module', class, source file, source): the class, its source left alone.
    if (id.size() != 4 || !(id[1].Is(Value::Tag::kClass) || id[1].Is(Value::Tag::kGlobal))) {
      unpickler.Fail(ErrorCode::kBadPickle, "has a persistent id that is not ('module', class, source file, source)");
    }
    return id[1];
  }
  if (kind != "storage") {
    unpickler.Fail(ErrorCode::kForbiddenGlobal,
                   "Only persistent_load of storage is allowed, but got " + (id.empty() ? "()" : heap.TypeText(id[0])));
  }
  const std::size_t expected = HasViews() ? 6 : 5;
  if (id.size() != expected || !id[1].Is(Value::Tag::kGlobal) || !heap.IsText(id[2]) || !heap.IsText(id[3]) ||
      !heap.IsInt(id[4])) {
    unpickler.Fail(ErrorCode::kBadPickle, "has a persistent id that is not ('storage', type, key, location, numel)");
  }
  const auto type = static_cast<std::uint32_t>(id[1].payload());
  const Global& global = GlobalAt(type);
  if (global.kind != K::kStorageType && global.kind != K::kUntypedStorage) {
    unpickler.Fail(ErrorCode::kBadPickle, "has a storage whose type is " + std::string(global.name));
  }
  const std::int64_t numel = heap.integer(id[4]);
  std::int64_t nbytes = 0;
  if (numel < 0 || __builtin_mul_overflow(numel, std::int64_t{global.itemsize}, &nbytes)) {
    BadTensor(unpickler, "has a storage of " + std::to_string(numel) + " elements");
  }
  StorageRef ref;
  ref.type = type;
  ref.nbytes = static_cast<std::uint64_t>(nbytes);
  bool created = false;
  const std::string_view key = heap.text(id[2]);
  ref.id = storages_.Get(key, ref.nbytes, global.itemsize, heap.text(id[3]), &created);
  const Storage& storage = storages_.storages()[ref.id];
  if (created) CheckStorage(unpickler, storage);
  // One key with two sizes. PyTorch gives each a storage of its own only if there are no bytes to share.
  if (storage.nbytes != ref.nbytes) {
    BadTensor(unpickler, "names storage " + std::string(key) + " with " + Counted(ref.nbytes, "byte") + " and with " +
                             std::to_string(storage.nbytes));
  }
  if (HasViews() && !id[5].Is(Value::Tag::kNone)) {
    const std::span<const Value> view = heap.items(id[5]);
    if (view.size() != 3 || !heap.IsText(view[0]) || !heap.IsInt(view[1]) || !heap.IsInt(view[2])) {
      unpickler.Fail(ErrorCode::kBadPickle, "has a storage view that is not (key, offset, size)");
    }
    const std::int64_t offset = heap.integer(view[1]), size = heap.integer(view[2]);
    if (offset < 0 || size < 0 || offset > numel || size > numel - offset) {
      BadTensor(unpickler, "has a storage view that reaches outside its storage");
    }
    ref.offset = static_cast<std::uint64_t>(offset) * global.itemsize;
    ref.nbytes = static_cast<std::uint64_t>(size) * global.itemsize;
  }
  storages_.refs().push_back(ref);
  heap.objects.push_back({NodeKind::kStorage, static_cast<std::uint32_t>(storages_.refs().size() - 1), 0, type, {}});
  return {Value::Tag::kObject, heap.objects.size() - 1};
}

Value TorchCalls::RebuildTensor(Unpickler& unpickler, const Global& function, std::span<const Value> args) {
  const bool v3 = function.kind == K::kRebuildTensorV3, v1 = function.kind == K::kRebuildTensor;
  WantArguments(unpickler, function, args, v1 ? 4 : v3 ? 7 : 6, v1 ? 4 : v3 ? 8 : 7);
  Heap& heap = unpickler.heap();
  if (!heap.IsObject(args[0], NodeKind::kStorage)) BadTensor(unpickler, "has a tensor whose storage is something else");
  const StorageRef& ref = storages_.refs()[heap.object(args[0]).begin];
  if (v3 &&
      (!args[6].Is(Value::Tag::kGlobal) || GlobalAt(static_cast<std::uint32_t>(args[6].payload())).kind != K::kDtype)) {
    BadTensor(unpickler, "has a tensor whose dtype is not one");
  }
  const std::optional<Dtype> dtype =
      DenseDtype(GlobalAt(v3 ? static_cast<std::uint32_t>(args[6].payload()) : ref.type));
  // Quantised, sub-byte and bits tensors: their parts are kept, but they are no dense tensor.
  if (!dtype) return heap.Fixed(NodeKind::kObject, args, *FindGlobal(function.name));
  TensorView view;
  view.dtype = *dtype;
  view.storage = ref.id;
  if (!heap.IsInt(args[1])) BadTensor(unpickler, "has a tensor whose storage offset is not an integer");
  view.storage_offset = heap.integer(args[1]);
  view.shape = Integers(unpickler, args[2], "size");
  view.stride = Integers(unpickler, args[3], "stride");
  if (!v1) view.requires_grad = Flag(unpickler, args[4], "requires_grad");
  if (v3 && args.size() == 8) Metadata(unpickler, args[7], view);
  if (!v1 && !v3 && args.size() == 7) Metadata(unpickler, args[6], view);
  if (const std::string problem = ViewProblem(view, ref.nbytes); !problem.empty()) BadTensor(unpickler, problem);
  // A storage view starts at a whole element of its own type, which is this tensor's.
  view.storage_offset += static_cast<std::int64_t>(ref.offset / ItemSize(view.dtype));
  return heap.Tensor(std::move(view));
}

Value TorchCalls::RebuildParameter(Unpickler& unpickler, std::span<const Value> args, bool with_state) {
  Heap& heap = unpickler.heap();
  const bool requires_grad = args.size() > 1 ? Flag(unpickler, args[1], "requires_grad") : true;
  if (heap.IsObject(args[0], NodeKind::kObject)) return args[0];  // a parameter over a tensor that is not dense
  if (!heap.IsObject(args[0], NodeKind::kTensor)) BadTensor(unpickler, "has a parameter whose data is not a tensor");
  TensorView view = heap.tensors[heap.object(args[0]).begin];
  unpickler.Charge(view.shape.size());
  view.parameter = true;
  view.requires_grad = requires_grad;
  const Value parameter = heap.Tensor(std::move(view));
  if (with_state) heap.object(parameter).attributes = args[3];
  return parameter;
}

// Nested calls are followed in a loop: a file may nest them as deep as it is long.
Value TorchCalls::RebuildFromType(Unpickler& unpickler, std::span<const Value> outer) {
  Heap& heap = unpickler.heap();
  std::vector<std::pair<Value, Value>> types;  // new_type, state
  std::vector<Value> args(outer.begin(), outer.end());
  for (;;) {
    WantArguments(unpickler, GlobalAt(*FindGlobal("torch._tensor._rebuild_from_type_v2")), args, 4, 4);
    if (!args[0].Is(Value::Tag::kGlobal)) {
      unpickler.Fail(ErrorCode::kForbiddenGlobal,
                     "Trying to call reduce for unrecognized function " + heap.TypeText(args[0]));
    }
    const Value type = args[1];
    const K kind = type.Is(Value::Tag::kGlobal) ? GlobalAt(static_cast<std::uint32_t>(type.payload())).kind : K::kDtype;
    if (kind != K::kTensorClass && kind != K::kParameterClass && !type.Is(Value::Tag::kClass))
      BadTensor(unpickler, "has a tensor whose type is something else");
    types.emplace_back(type, args[3]);
    const auto function = static_cast<std::uint32_t>(args[0].payload());
    const std::span<const Value> inner = heap.items(args[2]);
    if (!heap.IsObject(args[2], NodeKind::kTuple) || inner.size() > limits::kArguments) {
      unpickler.Fail(ErrorCode::kBadPickle, "has a call whose arguments are not a tuple");
    }
    args.assign(inner.begin(), inner.end());
    unpickler.Charge(1 + args.size());
    if (GlobalAt(function).kind == K::kRebuildFromTypeV2) continue;
    const Value result = Call(unpickler, function, args);
    if (!heap.IsObject(result, NodeKind::kTensor) && !heap.IsObject(result, NodeKind::kObject)) {
      BadTensor(unpickler, "has a tensor that is rebuilt from something else");
    }
    for (auto it = types.rbegin(); it != types.rend(); ++it) {
      Object& object = heap.object(result);
      if (object.kind == NodeKind::kTensor && it->first.Is(Value::Tag::kGlobal) &&
          GlobalAt(static_cast<std::uint32_t>(it->first.payload())).kind == K::kParameterClass) {
        heap.tensors[object.begin].parameter = true;
      }
      if (!it->second.Is(Value::Tag::kNone)) object.attributes = it->second;
    }
    return result;
  }
}

Value TorchCalls::Call(Unpickler& unpickler, std::uint32_t function, std::span<const Value> args) {
  Heap& heap = unpickler.heap();
  const Global& global = GlobalAt(function);
  switch (global.kind) {
    case K::kRebuildTensor:
    case K::kRebuildTensorV2:
    case K::kRebuildTensorV3:
      return RebuildTensor(unpickler, global, args);
    case K::kParameterClass:
      WantArguments(unpickler, global, args, 1, 2);
      return RebuildParameter(unpickler, args, false);
    case K::kRebuildParameter:
      WantArguments(unpickler, global, args, 3, 3);
      return RebuildParameter(unpickler, args, false);
    case K::kRebuildParameterWithState:
      WantArguments(unpickler, global, args, 4, 4);
      return RebuildParameter(unpickler, args, true);
    case K::kRebuildFromTypeV2:
      return RebuildFromType(unpickler, args);
    case K::kFirstArgument:
      return CallScalar(unpickler, function, args);
    case K::kRebuildDeviceTensorFromCpuTensor:
    case K::kRebuildInert:
    case K::kTensorClass:
      return heap.Fixed(NodeKind::kObject, args, function);
    case K::kOrderedDict:
    case K::kCounter:
    case K::kSet:
    case K::kSize:
      return CallContainer(unpickler, function, args);
    default:
      return CallScalar(unpickler, function, args);
  }
}

}  // namespace loadpath
