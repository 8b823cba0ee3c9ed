#include "harness/golden/safetensors_io.h"

#include <ATen/Functions.h>

#include <stdexcept>

#include "harness/base/new_file.h"
#include "harness/checkpoint/formats/safetensors/header.h"
#include "harness/state/scalar_type.h"
#include "loadpath/checkpoint.h"

namespace loadpath {
namespace {

[[noreturn]] void Refuse(const std::string& path, const std::string& sentence) {
  throw std::runtime_error(path + ": " + sentence);
}

}  // namespace

std::vector<std::pair<std::string, at::Tensor>> ReadSafetensors(const std::string& path) {
  const std::shared_ptr<const Checkpoint> checkpoint = Checkpoint::Open(path);
  const Tree& tree = checkpoint->tree();
  if (checkpoint->format() != "safetensors") {
    throw CheckpointError(ErrorCode::kUnknownFormat, path,
                          "is " + std::string(checkpoint->format()) +
                              ", not safetensors; write it by safetensors.torch.save_file, or by ckpt convert");
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
  std::vector<SafetensorsEntry> entries;
  std::vector<at::Tensor> plain;
  for (const auto& [name, tensor] : tensors) {
    const auto dtype = FromScalarType(tensor.scalar_type());
    if (!dtype || !SafetensorsName(*dtype))
      Refuse(path, "safetensors has no dtype for " + std::string(c10::toString(tensor.scalar_type())));
    plain.push_back(tensor.detach().cpu().resolve_conj().resolve_neg().contiguous());
    entries.push_back({name, *dtype, tensor.sizes().vec(), plain.back().nbytes(), plain.size() - 1});
  }
  std::string header;
  try {
    header = LayOut(entries, {});
  } catch (const std::invalid_argument& error) {
    Refuse(path, error.what());
  }
  NewFile file(path);
  file.WriteAt(0, header);
  for (const SafetensorsEntry& entry : entries) {
    file.WriteAt(entry.offset, {static_cast<const std::byte*>(plain[entry.source].const_data_ptr()), entry.nbytes});
  }
  file.Commit();
}

}  // namespace loadpath
