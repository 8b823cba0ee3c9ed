// The allow-listed calls that make plain values: containers, bytes, numbers, devices and layouts.
#include <array>

#include "harness/base/utf8.h"
#include "harness/checkpoint/pickle/torch_calls.h"

namespace loadpath {
namespace {

using K = GlobalKind;

[[noreturn]] void BadCall(Unpickler& unpickler, const Global& function) {
  unpickler.Fail(ErrorCode::kBadPickle,
                 "calls " + std::string(function.name) + " with arguments that it does not take");
}

// Returns Python's encode(text, encoding), for the encodings that pickle itself writes.
std::string Encode(Unpickler& unpickler, const Global& function, std::string_view text, std::string_view encoding) {
  if (encoding == "utf-8" || encoding == "utf8") return std::string(text);
  if (encoding != "latin1" && encoding != "latin-1" && encoding != "iso-8859-1" && encoding != "ascii")
    BadCall(unpickler, function);
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      bytes += text[i];
    } else if (byte <= 0xc3 && encoding != "ascii") {
      bytes += static_cast<char>((byte & 0x03) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
    } else {
      unpickler.Fail(ErrorCode::kBadPickle, "UnicodeEncodeError: has bytes with a character above 255");
    }
  }
  return bytes;
}

}  // namespace

Value TorchCalls::CallContainer(Unpickler& unpickler, std::uint32_t function, std::span<const Value> args) {
  Heap& heap = unpickler.heap();
  const Global& global = GlobalAt(function);
  if (args.size() > 1) BadCall(unpickler, global);
  const Value source = args.empty() ? Value() : args[0];
  const bool mapping = heap.IsObject(source, NodeKind::kDict) || heap.IsObject(source, NodeKind::kOrderedDict) ||
                       heap.IsObject(source, NodeKind::kCounter);
  const bool sequence = heap.IsObject(source, NodeKind::kList) || heap.IsObject(source, NodeKind::kTuple) ||
                        heap.IsObject(source, NodeKind::kSize) || heap.IsObject(source, NodeKind::kSet) ||
                        heap.IsObject(source, NodeKind::kFrozenSet);
  if (!args.empty() && !mapping && !sequence) BadCall(unpickler, global);
  const std::span<const Value> items = heap.items(source);
  unpickler.Charge(items.size());
  if (global.kind == K::kSize) {
    for (const Value item : items) {
      if (!heap.IsInt(item)) BadCall(unpickler, global);
    }
    return heap.Fixed(NodeKind::kSize, items);
  }
  std::vector<Value> values(items.begin(), items.end());
  if (global.kind == K::kSet) {
    if (mapping) BadCall(unpickler, global);
    for (const Value value : values) unpickler.CheckHashable(value);
    const Value set = heap.Growing(NodeKind::kSet);
    heap.lists[heap.object(set).begin] = std::move(values);
    return set;
  }
  // OrderedDict([[key, value], …]) is how Python 2 wrote it.
  if (sequence) {
    if (global.kind == K::kCounter && !values.empty()) BadCall(unpickler, global);
    std::vector<Value> pairs;
    for (const Value value : values) {
      const std::span<const Value> pair = heap.items(value);
      if (pair.size() != 2 || heap.IsObject(value, NodeKind::kDict)) BadCall(unpickler, global);
      unpickler.Charge(2);
      unpickler.CheckHashable(pair[0]);
      pairs.insert(pairs.end(), pair.begin(), pair.end());
    }
    values = std::move(pairs);
  }
  const Value dict = heap.Growing(global.kind == K::kCounter ? NodeKind::kCounter : NodeKind::kOrderedDict);
  heap.lists[heap.object(dict).begin] = std::move(values);
  return dict;
}

Value TorchCalls::CallScalar(Unpickler& unpickler, std::uint32_t function, std::span<const Value> args) {
  Heap& heap = unpickler.heap();
  const Global& global = GlobalAt(function);
  const bool text = !args.empty() && heap.IsText(args[0]);
  switch (global.kind) {
    case K::kEncode: {
      if (!text || args.size() > 2 || (args.size() == 2 && !heap.IsText(args[1]))) BadCall(unpickler, global);
      unpickler.Charge(heap.text(args[0]).size());
      return heap.OwnedBytes(
          Encode(unpickler, global, heap.text(args[0]), args.size() == 2 ? heap.text(args[1]) : "utf-8"));
    }
    case K::kByteArray: {
      std::string bytes;
      if (args.size() == 2 && text && heap.IsText(args[1])) {
        unpickler.Charge(heap.text(args[0]).size());
        bytes = Encode(unpickler, global, heap.text(args[0]), heap.text(args[1]));
      } else if (args.size() == 1 && heap.IsBytes(args[0])) {
        unpickler.Charge(heap.text(args[0]).size());
        bytes = heap.text(args[0]);
      } else if (!args.empty()) {
        BadCall(unpickler, global);
      }
      heap.owned.push_back(std::move(bytes));
      heap.objects.push_back({NodeKind::kByteArray, static_cast<std::uint32_t>(heap.owned.size() - 1), 0, 0, {}});
      return {Value::Tag::kObject, heap.objects.size() - 1};
    }
    case K::kComplex: {
      if (args.size() != 2 || !args[0].Is(Value::Tag::kFloat) || !args[1].Is(Value::Tag::kFloat))
        BadCall(unpickler, global);
      return heap.Fixed(NodeKind::kComplex, args);
    }
    case K::kDevice: {
      // As repr() shows it inside the parentheses' quotes: "cpu", "cuda:0".
      if (!text || args.size() > 2 || (args.size() == 2 && !heap.IsInt(args[1]))) BadCall(unpickler, global);
      unpickler.Charge(heap.text(args[0]).size());
      std::string device(heap.text(args[0]));
      if (args.size() == 2) device += ":" + std::to_string(heap.integer(args[1]));
      const std::array name{heap.OwnedText(std::move(device))};
      return heap.Fixed(NodeKind::kName, name, function);
    }
    case K::kGetLayout: {
      if (!text || args.size() != 1 || !IsLayout(heap.text(args[0]))) BadCall(unpickler, global);
      const std::array name{args[0]};
      return heap.Fixed(NodeKind::kName, name, function);
    }
    case K::kFirstArgument:
      if (args.empty() || args.size() > 2) BadCall(unpickler, global);
      return args[0];
    default:
      BadCall(unpickler, global);
  }
}

}  // namespace loadpath
