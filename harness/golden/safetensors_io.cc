#include "harness/golden/safetensors_io.h"

#include <ATen/Functions.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <tuple>

#include "harness/checkpoint/checkpoint.h"
#include "harness/state/scalar_type.h"

namespace loadpath {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors holds little-endian elements");

struct FormatDtype {
  Dtype dtype;
  std::string_view name;
};

// safetensors 0.8.0, safetensors/src/tensor.rs: the format's dtypes in the order in which its writer puts tensors.
constexpr FormatDtype kFormatDtypes[] = {
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
    {Dtype::kBool, "BOOL"},
};

const FormatDtype* Find(at::ScalarType type) {
  const auto dtype = FromScalarType(type);
  for (const FormatDtype& candidate : kFormatDtypes) {
    if (candidate.dtype == dtype) return &candidate;
  }
  return nullptr;
}

struct Entry {
  std::string name;
  const FormatDtype* dtype;
  at::Tensor tensor;  // contiguous, on the CPU
};

[[noreturn]] void Refuse(const std::string& path, const std::string& sentence) {
  throw std::runtime_error(path + ": " + sentence);
}

// By dtype, the widest first, then by name: so that every tensor is aligned to its elements.
std::vector<Entry> Arrange(const std::string& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  std::vector<Entry> entries;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__") Refuse(path, "a tensor cannot be named __metadata__ in safetensors");
    const FormatDtype* dtype = Find(tensor.scalar_type());
    if (!dtype) Refuse(path, "safetensors has no dtype for " + std::string(c10::toString(tensor.scalar_type())));
    entries.push_back({name, dtype, tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.dtype, a.name) < std::tie(b.dtype, b.name); });
  const auto twin = std::adjacent_find(entries.begin(), entries.end(),
                                       [](const Entry& a, const Entry& b) { return a.name == b.name; });
  if (twin != entries.end()) Refuse(path, "two tensors are named \"" + twin->name + "\"");
  return entries;
}

std::string Header(const std::vector<Entry>& entries) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::uint64_t offset = 0;
  for (const Entry& entry : entries) {
    const std::uint64_t end = offset + entry.tensor.nbytes();
    header[entry.name] = {
        {"dtype", entry.dtype->name}, {"shape", entry.tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

std::vector<std::pair<std::string, at::Tensor>> ReadSafetensors(const std::string& path) {
  const std::shared_ptr<const Checkpoint> checkpoint = Checkpoint::Open(path);
  const Tree& tree = checkpoint->tree();
  if (checkpoint->format() != "safetensors") {
    throw CheckpointError(ErrorCode::kUnknownFormat, path,
                          "is " + std::string(checkpoint->format()) + ", not safetensors");
  }
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  std::vector<ReadJob> jobs;
  for (const TensorPath& found : ListTensors(tree, tree.root())) {
    const TensorView& view = tree.tensor(found.node);
    at::Tensor tensor = at::empty(view.shape, ToScalarType(view.dtype));
    jobs.push_back({.storage = view.storage,
                    .begin = static_cast<std::uint64_t>(view.storage_offset) * ItemSize(view.dtype),
                    .dst = {static_cast<std::byte*>(tensor.mutable_data_ptr()), tensor.nbytes()},
                    .dtype = view.dtype});
    tensors.emplace_back(found.path.front(), std::move(tensor));
  }
  checkpoint->Read(jobs);
  return tensors;
}

void WriteSafetensors(const std::string& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  const std::vector<Entry> entries = Arrange(path, tensors);
  const std::string header = Header(entries);
  const std::string temporary = path + "." + std::to_string(::getpid()) + ".tmp";
  const auto fail = [&] {
    const int error = errno;
    std::remove(temporary.c_str());
    Refuse(path, std::string("cannot be written: ") + std::strerror(error));
  };
  {
    std::ofstream out(temporary, std::ios::binary);
    const std::uint64_t size = header.size();
    out.write(reinterpret_cast<const char*>(&size), sizeof(size)).write(header.data(), header.size());
    for (const Entry& entry : entries) {
      out.write(static_cast<const char*>(entry.tensor.const_data_ptr()), entry.tensor.nbytes());
    }
    if (!out.flush()) fail();
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) fail();
}

}  // namespace loadpath
