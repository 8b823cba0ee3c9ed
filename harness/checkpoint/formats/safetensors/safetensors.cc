// safetensors (https://github.com/huggingface/safetensors, README "Format" and safetensors/src/tensor.rs), strictly:
// what the specification forbids but readers accept (duplicate names, a header that does not begin with "{") is
// refused.
#include "harness/checkpoint/formats/safetensors/safetensors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/hash_index.h"
#include "harness/base/keyed_hash.h"
#include "harness/base/utf8.h"
#include "harness/checkpoint/check_view.h"
#include "harness/checkpoint/formats/safetensors/header.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/little_endian.h"
#include "harness/checkpoint/pickle/tree_builder.h"

namespace loadpath {
namespace {

using Json = nlohmann::json;

struct Entry {
  std::string name, dtype;
  std::uint32_t shape = 0;  // where its shape begins in HeaderReader::shapes
  std::uint8_t dimensions = 0, offsets_given = 0;
  std::array<std::uint64_t, 2> offsets{};
};

// {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …, "__metadata__": {"key": "text", …}}
class HeaderReader : public nlohmann::json_sax<Json> {
 public:
  std::vector<Entry> entries;
  std::vector<std::int64_t> shapes;  // of all entries, one after the other
  std::vector<std::pair<std::string, std::string>> metadata;
  std::string problem;

  bool null() override {
    // safetensors 0.8.0 takes it for no metadata, and published files have it.
    if (depth_ != 1 || !in_metadata_) return Bad("has a null in its header");
    in_metadata_ = false;
    return true;
  }
  bool boolean(bool) override { return Bad("has a bool in its header"); }
  bool number_integer(number_integer_t) override { return Bad("has a negative number in its header"); }
  bool number_float(number_float_t, const string_t&) override {
    return Bad("has a number in its header that is not an integer");
  }
  bool binary(binary_t&) override { return Bad("has binary data in its header"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (list_ == List::kNone) return Bad("has an unexpected number in its header");
    if (value > static_cast<number_unsigned_t>(INT64_MAX)) return Bad("has a number in its header that is too large");
    Entry& entry = entries.back();
    if (list_ == List::kOffsets ? entry.offsets_given >= 2 : entry.dimensions >= limits::kDimensions)
      return Bad("has too many numbers for " + entry.name);
    if (list_ == List::kOffsets) {
      entry.offsets[entry.offsets_given++] = value;
    } else {
      shapes.push_back(static_cast<std::int64_t>(value));
      ++entry.dimensions;
    }
    return true;
  }

  bool string(string_t& value) override {
    if (depth_ == 2 && in_metadata_) {
      metadata.emplace_back(key_, value);
      return true;
    }
    if (depth_ != 2 || list_ != List::kNone || key_ != "dtype") return Bad("has an unexpected text in its header");
    entries.back().dtype = value;
    return true;
  }

  bool start_object(std::size_t) override {
    if (list_ != List::kNone || ++depth_ > 2) return Bad("has a header that is nested too deep");
    if (depth_ == 2 && !in_metadata_) {
      entries.emplace_back();
      entries.back().name = key_;
    }
    fields_ = {};
    return true;
  }

  bool end_object() override {
    if (depth_ == 2 && !in_metadata_) {
      const Entry& entry = entries.back();
      if (std::ranges::count(fields_, true) != 3 || entry.offsets_given != 2) {
        return Bad("lacks dtype, shape or data_offsets of tensor " + entry.name);
      }
    }
    if (depth_ == 2) in_metadata_ = false;
    --depth_;
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || list_ != List::kNone) return Bad("has an unexpected list in its header");
    if (key_ != "data_offsets" && key_ != "shape") return Bad("has an unexpected list in its header");
    list_ = key_ == "shape" ? List::kShape : List::kOffsets;
    if (list_ == List::kShape) entries.back().shape = static_cast<std::uint32_t>(shapes.size());
    return true;
  }

  bool end_array() override {
    list_ = List::kNone;
    return true;
  }

  bool key(string_t& value) override {
    key_ = value;
    if (depth_ == 1) {
      in_metadata_ = value == "__metadata__";
      // What follows the name is an entry, or the header is refused.
      const auto number = static_cast<std::uint32_t>(entries.size());
      const bool twice = in_metadata_ ? std::exchange(has_metadata_, true)
                                      : names_.FindOrAdd(KeyedHash(value), number, [&](std::uint32_t other) {
                                          return entries[other].name == value;
                                        }) != number;
      return !twice || Bad("names " + value + " twice in its header");
    }
    bool first = false;
    if (in_metadata_) {
      first = metadata_names_.insert(value).second;
    } else {
      static constexpr std::string_view kFields[] = {"dtype", "shape", "data_offsets"};
      const auto field = static_cast<std::size_t>(std::ranges::find(kFields, value) - kFields);
      if (field == std::size(kFields)) return Bad("has an unknown field in its header: " + value);
      first = !std::exchange(fields_[field], true);
    }
    return first || Bad("has " + value + " twice in one entry of its header");
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return Bad("has a header that is not JSON at byte " + std::to_string(position));
  }

 private:
  bool Bad(std::string sentence) {
    if (problem.empty()) problem = std::move(sentence);
    return false;
  }

  int depth_ = 0;
  bool in_metadata_ = false, has_metadata_ = false;
  std::string key_;
  enum class List : std::uint8_t { kNone, kShape, kOffsets } list_ = List::kNone;  // that is being read
  std::array<bool, 3> fields_{};                                                   // those of this entry that are there
  HashIndex names_;                                                                // of the entries
  HashSet<std::string> metadata_names_;
};

class Safetensors final : public SingleFile {
 public:
  explicit Safetensors(std::unique_ptr<FileSource> file) : SingleFile(std::move(file)) {
    const HeaderReader header = ReadHeader();
    Heap heap;
    StorageTable table;
    const Value root = heap.Growing(NodeKind::kDict);
    for (const std::uint32_t i : Order(header.entries)) {
      const Entry& entry = header.entries[i];
      const std::optional<Dtype> dtype = SafetensorsDtype(entry.dtype);
      if (!dtype) {
        const bool known = entry.dtype == "F6_E2M3" || entry.dtype == "F6_E3M2";
        source().Fail(known ? ErrorCode::kUnsupported : ErrorCode::kBadArchive,
                      known ? "has a tensor of dtype " + entry.dtype + ", which PyTorch does not have"
                            : "has a tensor of unknown dtype " + entry.dtype,
                      entry.name);
      }
      TensorView view = View(entry, std::span(header.shapes).subspan(entry.shape, entry.dimensions), *dtype);
      bool created = false;
      view.storage = table.Get(entry.name, view.nbytes(), static_cast<std::uint8_t>(ItemSize(*dtype)), "cpu", &created);
      offsets_.push_back(begin_ + entry.offsets[0]);
      const std::array pair{heap.OwnedText(entry.name), heap.Tensor(std::move(view))};
      std::vector<Value>& items = heap.lists[heap.object(root).begin];
      items.insert(items.end(), pair.begin(), pair.end());
    }
    if (!header.metadata.empty()) {
      const Value metadata = heap.Growing(NodeKind::kDict);
      for (const auto& [key, value] : header.metadata) {
        const std::array pair{heap.OwnedText(key), heap.OwnedText(value)};
        std::vector<Value>& items = heap.lists[heap.object(metadata).begin];
        items.insert(items.end(), pair.begin(), pair.end());
      }
      const Value attributes = heap.Growing(NodeKind::kDict);
      const Value name = heap.OwnedText("__metadata__");
      heap.lists[heap.object(attributes).begin] = {name, metadata};
      heap.object(root).attributes = attributes;
    }
    Tree tree = BuildTree(path(), std::move(heap), table, {}, root);
    Finish(std::move(tree), std::move(table.storages()), false);
  }

  std::string_view format() const override { return "safetensors"; }
  Slot SlotOf(StorageId storage) const override {
    const std::uint64_t nbytes = storages()[storage].nbytes;
    return {offsets_[storage], nbytes, 0, nbytes, false, {}};
  }
  std::string RecordName(StorageId storage) const override { return storages()[storage].name; }
  std::uint64_t ParseHead(StorageId storage, std::span<const std::byte>) const override { return offsets_[storage]; }

 private:
  HeaderReader ReadHeader() {
    const std::uint64_t size = source().size();
    if (size < 8) source().Fail(ErrorCode::kBadArchive, "is too short for a safetensors header");
    std::array<std::byte, 8> prefix{};
    source().ReadAt(0, prefix);
    const auto length = LittleEndian<std::uint64_t>(prefix.data());
    if (length > limits::kSafetensorsHeaderBytes)
      source().Fail(ErrorCode::kLimitExceeded, "has a safetensors header of more than 100,000,000 bytes");
    if (length > size - 8) {
      source().Fail(ErrorCode::kBadArchive,
                    "is cut off inside its safetensors header: at least " + MissingText(length - (size - 8)));
    }
    std::string text(length, '\0');
    source().ReadAt(8, std::as_writable_bytes(std::span(text)));
    begin_ = 8 + length;
    if (!text.starts_with('{'))
      source().Fail(ErrorCode::kBadArchive, "has a safetensors header that does not begin with {");
    HeaderReader reader;
    if (!IsUtf8(text)) reader.problem = "has a safetensors header that is not UTF-8";
    if (reader.problem.empty() && !Json::sax_parse(text, &reader) && reader.problem.empty())
      reader.problem = "has a header that is not JSON";
    // The parser takes a NUL byte for the end of its text and does not read on.
    if (const std::size_t nul = text.find('\0'); reader.problem.empty() && nul != std::string::npos) {
      reader.problem = "has a header that is not JSON at byte " + std::to_string(nul + 1);
    }
    if (!reader.problem.empty()) source().Fail(ErrorCode::kBadArchive, reader.problem);
    return reader;
  }

  // By offset: tensors must follow one another without holes and reach the file's end.
  std::vector<std::uint32_t> Order(const std::vector<Entry>& entries) const {
    std::vector<std::uint32_t> order(entries.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return entries[a].offsets < entries[b].offsets; });
    std::uint64_t end = 0;
    for (const std::uint32_t i : order) {
      const Entry& entry = entries[i];
      if (entry.offsets[0] != end || entry.offsets[1] < end) {
        source().Fail(ErrorCode::kBadArchive, "has a tensor whose bytes do not follow those of the one before",
                      entry.name);
      }
      end = entry.offsets[1];
    }
    const std::uint64_t available = source().size() - begin_;
    if (end > available) source().Fail(ErrorCode::kBadArchive, "is cut off: " + MissingText(end - available));
    if (end < available)
      source().Fail(ErrorCode::kBadArchive, "has " + Counted(available - end, "byte") + " behind its last tensor");
    return order;
  }

  TensorView View(const Entry& entry, std::span<const std::int64_t> shape, Dtype dtype) const {
    TensorView view;
    view.dtype = dtype;
    view.shape.assign(shape.begin(), shape.end());
    if (dtype == Dtype::kFloat4E2m1fnX2) {
      // An element of PyTorch's is two of the format's.
      if (view.shape.empty() || view.shape.back() % 2 != 0) {
        source().Fail(ErrorCode::kBadTensor,
                      "has a tensor of dtype F4 whose last dimension is not even: shape " + ShapeText(view.shape),
                      entry.name);
      }
      view.shape.back() /= 2;
    }
    std::uint64_t bytes = ItemSize(dtype);
    std::int64_t stride = 1;
    bool overflow = false;
    for (const std::int64_t size : view.shape)
      overflow |= __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes);
    view.stride.resize(view.shape.size());
    for (std::size_t i = view.shape.size(); i-- > 0;) {
      view.stride[i] = stride;
      // As PyTorch strides empty tensors: an extent of 0 counts as 1.
      overflow |= __builtin_mul_overflow(stride, std::max<std::int64_t>(1, view.shape[i]), &stride);
    }
    if (overflow || bytes != entry.offsets[1] - entry.offsets[0]) {
      source().Fail(ErrorCode::kBadTensor,
                    "has a tensor of shape " + ShapeText(view.shape) + " and dtype " + entry.dtype + " in " +
                        Counted(entry.offsets[1] - entry.offsets[0], "byte"),
                    entry.name);
    }
    return view;
  }

  std::uint64_t begin_ = 0;
  std::vector<std::uint64_t> offsets_;
};

}  // namespace

bool IsSafetensors(std::string_view head) { return head.size() >= 9 && head[8] == '{'; }

bool HoldsSafetensors(std::string_view head, std::uint64_t size) {
  if (!IsSafetensors(head)) return false;
  const auto length = LittleEndian<std::uint64_t>(head.data());
  return length <= limits::kSafetensorsHeaderBytes && length <= size - 8;
}

std::shared_ptr<const SingleFile> OpenSafetensors(std::unique_ptr<FileSource> file, const OpenOptions&) {
  return std::make_shared<Safetensors>(std::move(file));
}

}  // namespace loadpath
