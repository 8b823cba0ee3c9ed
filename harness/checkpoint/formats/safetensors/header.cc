#include "harness/checkpoint/formats/safetensors/header.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <tuple>

#include "harness/checkpoint/limits.h"

namespace loadpath {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors holds little-endian elements");

struct FormatDtype {
  Dtype dtype;
  std::string_view name;
};

// safetensors 0.8.0, safetensors/src/tensor.rs: the format's dtypes in the order in which its writer puts tensors.
constexpr FormatDtype kDtypes[] = {
    {Dtype::kUint64, "U64"},
    {Dtype::kInt64, "I64"},
    {Dtype::kFloat64, "F64"},
    {Dtype::kComplex64, "C64"},
    {Dtype::kFloat32, "F32"},
    {Dtype::kUint32, "U32"},
    {Dtype::kInt32, "I32"},
    {Dtype::kBfloat16, "BF16"},
    {Dtype::kFloat16, "F16"},
    {Dtype::kUint16, "U16"},
    {Dtype::kInt16, "I16"},
    {Dtype::kFloat8E5m2fnuz, "F8_E5M2FNUZ"},
    {Dtype::kFloat8E4m3fnuz, "F8_E4M3FNUZ"},
    {Dtype::kFloat8E8m0fnu, "F8_E8M0"},
    {Dtype::kFloat8E4m3fn, "F8_E4M3"},
    {Dtype::kFloat8E5m2, "F8_E5M2"},
    {Dtype::kInt8, "I8"},
    {Dtype::kUint8, "U8"},
    {Dtype::kFloat4E2m1fnX2, "F4"},
    {Dtype::kBool, "BOOL"},
};

const FormatDtype* Find(Dtype dtype) {
  const auto found = std::ranges::find(kDtypes, dtype, &FormatDtype::dtype);
  return found == std::end(kDtypes) ? nullptr : &*found;
}

// Throws std::invalid_argument if two of the names are equal.
void RefuseTwins(std::vector<std::string_view> names, const std::string& what) {
  std::ranges::sort(names);
  if (const auto twin = std::ranges::adjacent_find(names); twin != names.end())
    throw std::invalid_argument("two " + what + " \"" + std::string(*twin) + "\"");
}

}  // namespace

std::optional<Dtype> SafetensorsDtype(std::string_view name) {
  const auto found = std::ranges::find(kDtypes, name, &FormatDtype::name);
  if (found == std::end(kDtypes)) return std::nullopt;
  return found->dtype;
}

std::optional<std::string_view> SafetensorsName(Dtype dtype) {
  const FormatDtype* found = Find(dtype);
  if (found == nullptr) return std::nullopt;
  return found->name;
}

std::string LayOut(std::vector<SafetensorsEntry>& entries,
                   std::span<const std::pair<std::string, std::string>> metadata) {
  std::ranges::sort(entries, {}, [](const SafetensorsEntry& entry) {
    return std::make_tuple(Find(entry.dtype), std::string_view(entry.name));
  });
  std::vector<std::string_view> names, keys;
  for (const SafetensorsEntry& entry : entries) names.push_back(entry.name);
  for (const auto& [key, value] : metadata) keys.push_back(key);
  RefuseTwins(std::move(names), "tensors are named");
  RefuseTwins(std::move(keys), "values of __metadata__ are named");
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::string text(8, '\0');
  std::uint64_t offset = 0;
  try {
    if (!metadata.empty()) {
      header["__metadata__"] = nlohmann::ordered_json::object();
      auto& object = header["__metadata__"].get_ref<nlohmann::ordered_json::object_t&>();
      for (const auto& [key, value] : metadata) object.push_back({key, value});
    }
    for (const SafetensorsEntry& entry : entries) {
      if (entry.name == "__metadata__")
        throw std::invalid_argument("a tensor cannot be named __metadata__ in safetensors");
      std::vector<std::int64_t> shape = entry.shape;
      if (entry.dtype == Dtype::kFloat4E2m1fnX2) {
        // An element of PyTorch's is two of the format's.
        if (shape.empty())
          throw std::invalid_argument("safetensors has no F4 tensor without dimensions, as \"" + entry.name + "\" is");
        shape.back() *= 2;
      }
      // push_back finds no key first: objects in insertion order are searched from their start.
      header.get_ref<nlohmann::ordered_json::object_t&>().push_back(
          {entry.name,
           {{"dtype", Find(entry.dtype)->name},
            {"shape", std::move(shape)},
            {"data_offsets", {offset, offset + entry.nbytes}}}});
      offset += entry.nbytes;
    }
    text += header.dump();
  } catch (const nlohmann::json::type_error&) {
    throw std::invalid_argument("a name is not Unicode text, which safetensors requires");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size() - 8;
  if (length > limits::kSafetensorsHeaderBytes)
    throw std::invalid_argument("the header would have more than 100,000,000 bytes");
  std::copy_n(reinterpret_cast<const char*>(&length), sizeof length, text.begin());
  offset = text.size();
  for (SafetensorsEntry& entry : entries) {
    entry.offset = offset;
    offset += entry.nbytes;
  }
  return text;
}

}  // namespace loadpath
