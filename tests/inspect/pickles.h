#ifndef LOADPATH_TESTS_INSPECT_PICKLES_H_
#define LOADPATH_TESTS_INSPECT_PICKLES_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loadpath/checkpoint.h"
#include "tests/checkpoint/memory_file.h"

/// Pickles written by hand, opcode by opcode, and checkpoints that hold them: no Python is needed.
namespace loadpath::pickles {

inline std::string Text(std::string_view text) {
  return "X" + Bytes<std::uint32_t>(static_cast<std::uint32_t>(text.size())) + std::string(text);
}
inline std::string ByteString(std::string_view bytes) {
  return "B" + Bytes<std::uint32_t>(static_cast<std::uint32_t>(bytes.size())) + std::string(bytes);
}
inline std::string Int(std::int32_t value) { return "J" + Bytes(value); }
inline std::string Float(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  std::string bytes = Bytes(bits);
  return "G" + std::string(bytes.rbegin(), bytes.rend());
}
inline const std::string kNone = "N", kTrue = "\x88", kFalse = "\x89";

/// `open`, the parts, `close`. Appended piece by piece: GCC 12 sees an overflow in "(" + std::string.
inline std::string Joined(std::string_view open, const std::vector<std::string>& parts, std::string_view close) {
  std::string all(open);
  for (const std::string& part : parts) all += part;
  all += close;
  return all;
}
inline std::string List(const std::vector<std::string>& items) { return Joined("](", items, "e"); }
inline std::string Tuple(const std::vector<std::string>& items) { return Joined("(", items, "t"); }
inline std::string Dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string all = "}(";
  for (const auto& [key, value] : items) all += Text(key) + value;
  return all + "u";
}

inline std::string Name(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
/// NAME(*args)
inline std::string Call(const std::string& name, const std::vector<std::string>& args) {
  return name + Tuple(args) + "R";
}
/// `object`, then its __setstate__(state).
inline std::string WithState(const std::string& object, const std::string& state) { return object + state + "b"; }

/// A float32 tensor: a view of the storage `key` of `count` elements.
inline std::string Tensor(std::string_view key, std::int32_t count, std::int32_t offset,
                          const std::vector<std::int32_t>& shape, const std::vector<std::int32_t>& stride) {
  const auto numbers = [](const std::vector<std::int32_t>& values) {
    std::vector<std::string> items;
    for (const std::int32_t value : values) items.push_back(Int(value));
    return Tuple(items);
  };
  const std::string storage =
      Tuple({Text("storage"), Name("torch", "FloatStorage"), Text(key), Text("cpu"), Int(count), kNone}) + "Q";
  return Call(Name("torch._utils", "_rebuild_tensor_v2"), {storage, Int(offset), numbers(shape), numbers(stride),
                                                           kFalse, Call(Name("collections", "OrderedDict"), {})});
}

/// The float32 elements of one storage, for Opened.
struct FloatStorage {
  std::string key;
  std::vector<float> elements;
};

/// The file that torch.save would write for the pickled value (its older container).
inline std::string File(const std::string& value, const std::vector<FloatStorage>& storages = {}) {
  std::string keys = "](", data;
  for (const FloatStorage& storage : storages) {
    keys += Text(storage.key);
    data += Bytes<std::uint64_t>(storage.elements.size());
    for (const float element : storage.elements) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &element, sizeof bits);
      data += Bytes(bits);
    }
  }
  return Legacy("\x80\x02" + value + ".", keys + "e.", data);
}

inline std::shared_ptr<const Checkpoint> Opened(const std::string& value,
                                                const std::vector<FloatStorage>& storages = {},
                                                const OpenOptions& options = {}) {
  const MemoryFile file(File(value, storages));
  return Checkpoint::Open(file.path(), options);
}

}  // namespace loadpath::pickles

#endif  // LOADPATH_TESTS_INSPECT_PICKLES_H_
