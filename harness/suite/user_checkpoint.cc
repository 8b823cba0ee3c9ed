#include "harness/suite/checkpoint_module.h"

#include <span>

#include "harness/base/sha256.h"
#include "harness/golden/compare.h"
#include "harness/state/scalar_type.h"
#include "harness/suite/options.h"

namespace loadpath::bench {
namespace {

class Mirror : public torch::nn::Module {
 public:
  Mirror() : torch::nn::Module("Mirror") {}

  Mirror& Child(const std::string& name) {
    auto& child = mirrors_[name];
    if (!child) child = register_module(name, std::make_shared<Mirror>());
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
  std::map<std::string, std::shared_ptr<Mirror>> mirrors_;
};

bool HoldsTensors(const Tree& tree, NodeId node) {
  const auto items = tree.items(node);
  for (std::size_t i = 1; i < items.size(); i += 2) {
    if (tree.kind(items[i]) != NodeKind::kTensor) return false;
  }
  return !items.empty();
}

// "model_state_dict, optimizer.state": keys at the top whose values are dicts of tensors.
std::string PlacesOfStateDicts(const StateDict& state_dict) {
  const Tree& tree = state_dict.checkpoint().tree();
  std::string places;
  for (const auto& entry : state_dict.entries()) {
    if (tree.IsDict(entry.node) && HoldsTensors(tree, entry.node)) places += (places.empty() ? "" : ", ") + entry.key;
  }
  return places;
}

}  // namespace

std::shared_ptr<torch::nn::Module> MirrorOf(const StateDict& state_dict) {
  const Checkpoint& checkpoint = state_dict.checkpoint();
  const Tree& tree = checkpoint.tree();
  auto root = std::make_shared<Mirror>();
  for (const auto& entry : state_dict.entries()) {
    if (tree.kind(entry.node) != NodeKind::kTensor) {
      const std::string places = PlacesOfStateDicts(state_dict);
      throw UsageError(checkpoint.path() + ": not a state dict: " + entry.key + " is " + tree.TypeText(entry.node) +
                       (places.empty() ? "" : "; name one with --checkpoint FILE::KEY, here: " + places));
    }
    const TensorView& view = tree.tensor(entry.node);
    Mirror* owner = root.get();
    std::size_t begin = 0;
    for (std::size_t dot = 0; (dot = entry.key.find('.', begin)) != std::string::npos; begin = dot + 1) {
      owner = &owner->Child(entry.key.substr(begin, dot - begin));
    }
    try {
      owner->Add(entry.key.substr(begin), at::empty(view.shape, ToScalarType(view.dtype)));
    } catch (const c10::Error&) {
      throw UsageError(checkpoint.path() + ": no module can have a parameter named " + entry.key);
    }
  }
  return root;
}

std::map<std::string, std::string> DigestsOf(const StateDict& state_dict) {
  const Checkpoint& checkpoint = state_dict.checkpoint();
  std::map<std::string, std::string> digests;
  for (const auto& entry : state_dict.entries()) {
    if (checkpoint.tree().kind(entry.node) != NodeKind::kTensor) continue;
    const auto bytes = ReadTensor(checkpoint, checkpoint.tree().tensor(entry.node));
    digests[entry.key] = Sha256(bytes);
  }
  return digests;
}

std::string CheckAgainst(const std::map<std::string, std::string>& digests, const torch::nn::Module& module) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : module.named_parameters()) tensors[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) tensors[item.key()] = item.value();
  for (const auto& [key, digest] : digests) {
    const auto found = tensors.find(key);
    if (found != tensors.end() && Digest(found->second) != digest) return key + " differs from the file";
  }
  return "";
}

}  // namespace loadpath::bench
