#include "harness/golden/safetensors_io.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <ATen/Functions.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "harness/checkpoint/checkpoint.h"
#include "harness/state/scalar_type.h"

namespace loadpath {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors holds little-endian elements");

// safetensors 0.8.0, safetensors/src/tensor.rs: the format's name of a dtype. Empty: the format has none.
std::string_view SafetensorsName(Dtype dtype) {
  switch (dtype) {
    case Dtype::kBool: return "BOOL";
    case Dtype::kUint8: return "U8";
    case Dtype::kInt8: return "I8";
    case Dtype::kInt16: return "I16";
    case Dtype::kInt32: return "I32";
    case Dtype::kInt64: return "I64";
    case Dtype::kUint16: return "U16";
    case Dtype::kUint32: return "U32";
    case Dtype::kUint64: return "U64";
    case Dtype::kFloat16: return "F16";
    case Dtype::kBfloat16: return "BF16";
    case Dtype::kFloat32: return "F32";
    case Dtype::kFloat64: return "F64";
    case Dtype::kComplex64: return "C64";
    case Dtype::kFloat8E4m3fn: return "F8_E4M3";
    case Dtype::kFloat8E4m3fnuz: return "F8_E4M3FNUZ";
    case Dtype::kFloat8E5m2: return "F8_E5M2";
    case Dtype::kFloat8E5m2fnuz: return "F8_E5M2FNUZ";
    case Dtype::kFloat8E8m0fnu: return "F8_E8M0";
    case Dtype::kComplex32:
    case Dtype::kComplex128:
    case Dtype::kFloat4E2m1fnX2: return {};
  }
  return {};
}

struct Entry {
  std::string name, dtype;
  at::Tensor tensor;   // contiguous, on the CPU
};

[[noreturn]] void Refuse(const std::string& path, const std::string& sentence) {
  throw std::runtime_error(path + ": " + sentence);
}

// By item size, largest first, then by name: so that every tensor is aligned to its elements.
std::vector<Entry> Arrange(const std::string& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  std::vector<Entry> entries;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__") Refuse(path, "a tensor cannot be named __metadata__ in safetensors");
    const auto dtype = FromScalarType(tensor.scalar_type());
    const std::string_view text = dtype ? SafetensorsName(*dtype) : std::string_view{};
    if (text.empty()) Refuse(path, "safetensors has no dtype for " + std::string(c10::toString(tensor.scalar_type())));
    entries.push_back({name, std::string(text), tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    const auto size_a = a.tensor.element_size(), size_b = b.tensor.element_size();
    return size_a != size_b ? size_a > size_b : a.name < b.name;
  });
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
    header[entry.name] = {{"dtype", entry.dtype}, {"shape", entry.tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
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
    throw CheckpointError(ErrorCode::kUnknownFormat, path, "is " + std::string(checkpoint->format()) + ", not safetensors");
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
