#include "harness/suite/user_checkpoint.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <map>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/checkpoint/limits.h"
#include "harness/golden/compare.h"
#include "harness/inspect/state_dict_places.h"
#include "harness/state/scalar_type.h"

namespace loadpath {
namespace {

// A module without a class: the tree of names in the keys.
class NamedTensors : public torch::nn::Module {
 public:
  NamedTensors() : torch::nn::Module("NamedTensors") {}

  NamedTensors& Child(const std::string& name) {
    auto& child = children_by_name_[name];
    if (!child) child = register_module(name, std::make_shared<NamedTensors>());
    return *child;
  }
  void Add(const std::string& name, const at::Tensor& tensor) {
    if (at::isFloatingType(tensor.scalar_type()) || at::isComplexType(tensor.scalar_type())) {
      register_parameter(name, tensor, /*requires_grad=*/false);
    } else {
      register_buffer(name, tensor);
    }
  }

 private:
  std::map<std::string, std::shared_ptr<NamedTensors>> children_by_name_;
};

// "; name one: FILE::model or FILE::ema", or nothing if there is none.
std::string NameOne(const StateDict& state_dict) {
  const Tree& tree = state_dict.checkpoint().tree();
  const std::string& file = state_dict.checkpoint().path();
  const std::string places = StateDictPlaces(tree, tree.root(), {file + "::", file, ""});
  return places.empty() ? "" : "; name one with --checkpoint: " + places;
}

// An empty tensor like the file's. Throws UsageError if this LibTorch has none, or if the file's bytes do not justify
// it.
at::Tensor EmptyLike(const Checkpoint& checkpoint, const std::string& key, const TensorView& view) {
  const auto dtype = FindScalarType(view.dtype);
  if (!dtype) {
    throw UsageError(checkpoint.path() + ": " + Escaped(key) + " is " + std::string(Name(view.dtype)) +
                     ", which this LibTorch does not have; name a state dict without it with --checkpoint FILE::KEY");
  }
  // An expanded tensor is larger than its storage. One that the reader itself would gather is harmless.
  if (view.nbytes() > std::max(checkpoint.storages()[view.storage].nbytes, limits::kExpandedBytes)) {
    throw UsageError(checkpoint.path() + ": " + Escaped(key) + " has " + std::to_string(view.numel()) +
                     " elements, more than its storage holds; save it with .contiguous()");
  }
  const at::Tensor tensor = at::empty(view.shape, *dtype);
  // As a module has it: a recorded fill says that nothing is in this memory yet (see DeferredInit).
  return at::isFloatingType(*dtype) ? tensor.zero_() : tensor;
}

// Puts the tensor where its key says: "layer.0.weight".
void Register(NamedTensors& root, const std::string& key, const at::Tensor& tensor) {
  NamedTensors* owner = &root;
  std::size_t begin = 0;
  for (std::size_t dot = 0; (dot = key.find('.', begin)) != std::string::npos; begin = dot + 1) {
    owner = &owner->Child(key.substr(begin, dot - begin));
  }
  owner->Add(key.substr(begin), tensor);
}

std::map<std::string, at::Tensor> TensorsOf(const torch::nn::Module& module) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : module.named_parameters()) tensors[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) tensors[item.key()] = item.value();
  return tensors;
}

}  // namespace

std::shared_ptr<torch::nn::Module> ModuleLike(const StateDict& state_dict) {
  const Checkpoint& checkpoint = state_dict.checkpoint();
  const Tree& tree = checkpoint.tree();
  auto root = std::make_shared<NamedTensors>();
  if (state_dict.entries().empty()) {
    throw UsageError(checkpoint.path() + ": the state dict holds no names: there is nothing to load" +
                     NameOne(state_dict));
  }
  for (const auto& entry : state_dict.entries()) {
    if (tree.IsOtherTensor(entry.node)) {
      throw UsageError(checkpoint.path() + ": " + Escaped(entry.key) +
                       " is a tensor that no load path takes (quantised, sparse or without values); make it a dense "
                       "tensor with values in Python first");
    }
    if (tree.kind(entry.node) != NodeKind::kTensor) {
      throw UsageError(checkpoint.path() + ": not a state dict: " + Escaped(entry.key) + " is " +
                       tree.TypeText(entry.node) + NameOne(state_dict));
    }
    const at::Tensor tensor = EmptyLike(checkpoint, entry.key, tree.tensor(entry.node));
    try {
      Register(*root, entry.key, tensor);
    } catch (const c10::Error&) {
      throw UsageError(checkpoint.path() + ": no module can have a parameter named \"" + Escaped(entry.key) +
                       "\"; name a state dict without it with --checkpoint FILE::KEY");
    }
  }
  return root;
}

Dtypes DtypesOf(const torch::nn::Module& module) {
  Dtypes dtypes;
  for (const auto& [name, tensor] : TensorsOf(module)) dtypes[name] = tensor.scalar_type();
  return dtypes;
}

std::string CheckAgainstFile(const StateDict& state_dict, const torch::nn::Module& module, const Dtypes& constructed) {
  const Checkpoint& checkpoint = state_dict.checkpoint();
  const Tree& tree = checkpoint.tree();
  const auto tensors = TensorsOf(module);
  for (const auto& entry : state_dict.entries()) {
    const auto found = tensors.find(entry.key);
    if (tree.kind(entry.node) != NodeKind::kTensor || found == tensors.end()) continue;
    const TensorView& view = tree.tensor(entry.node);
    const at::ScalarType in_file = ToScalarType(view.dtype), now = found->second.scalar_type();
    if (now != in_file && now != constructed.at(entry.key)) {
      return Escaped(entry.key) + " is " + c10::toString(now) + ", which neither the file nor the model has";
    }
    auto bytes = ReadTensor(checkpoint, view);
    const at::Tensor expected = at::from_blob(bytes.data(), view.shape, in_file).to(now);
    if (Digest(found->second) != Digest(expected)) return Escaped(entry.key) + " differs from the file";
  }
  return "";
}

}  // namespace loadpath
