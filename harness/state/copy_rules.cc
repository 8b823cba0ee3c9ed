#include "harness/state/copy_rules.h"

#include <ATen/ATen.h>
#include <ATen/MemoryOverlap.h>
#include <c10/util/Exception.h>

#include <functional>
#include <string_view>

#include "harness/state/scalar_type.h"

namespace loadpath {
namespace {

// Drops the warnings of a trial: the planner reports those of the copy itself.
class Silence : public c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

std::optional<std::string> ErrorOf(const std::function<void()>& action) {
  Silence silence;
  const c10::WarningUtils::WarningHandlerGuard guard(&silence);
  const at::NoGradGuard no_grad;
  try {
    action();
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return std::nullopt;
}

// Returns Python's spelling of a type in a text of LibTorch's. Python respells only the types listed here
// (processErrorMsg in torch/csrc/Exceptions.cpp).
std::string TypeInMessage(std::string_view backend, std::string_view python_module, at::ScalarType type) {
  const std::string name = c10::toString(type);
  for (const auto known : {at::kByte, at::kChar, at::kDouble, at::kFloat, at::kInt, at::kLong, at::kShort, at::kHalf}) {
    if (type == known) return std::string(python_module) + "." + name + "Tensor";
  }
  return std::string(backend) + name + "Type";
}

std::optional<std::vector<std::int64_t>> Shape(const Tree& tree, NodeId node) {
  if (!tree.IsSequence(node)) return std::nullopt;
  std::vector<std::int64_t> shape;
  for (const NodeId size : tree.items(node)) {
    if (tree.kind(size) != NodeKind::kInt) return std::nullopt;
    shape.push_back(tree.integer(size));
  }
  return shape;
}

// Reads torch._utils._rebuild_sparse_tensor(layout, data). `data` ends with the size; newer COO tensors add
// is_coalesced.
InertTensor Sparse(const Tree& tree, std::span<const NodeId> arguments) {
  InertTensor tensor;
  tensor.layout = InertTensor::Layout::kSparseCompressed;
  if (arguments.size() < 2 || !tree.IsSequence(arguments[1])) return {};
  const auto data = tree.items(arguments[1]);
  const NodeKind layout = tree.kind(arguments[0]);
  if (layout == NodeKind::kName && tree.text(arguments[0]) == "torch.sparse_coo") {
    tensor.layout = InertTensor::Layout::kSparseCoo;
  }
  const std::size_t values = tensor.layout == InertTensor::Layout::kSparseCoo ? 1 : 2;
  if (data.size() < values + 2) return {};
  if (tree.kind(data[values]) == NodeKind::kTensor) tensor.dtype = tree.tensor(data[values]).dtype;
  tensor.shape = Shape(tree, data[values + 1]);
  return tensor;
}

}  // namespace

std::optional<InertTensor> AsInertTensor(const Tree& tree, NodeId node) {
  if (tree.kind(node) != NodeKind::kObject) return std::nullopt;
  const std::string type = tree.TypeText(node);
  if (type != "<class 'torch.Tensor'>" && type != "<class 'torch.nn.parameter.Parameter'>") return std::nullopt;
  using Layout = InertTensor::Layout;
  const std::string_view rebuilt_by = tree.text(node);
  const auto arguments = tree.items(node);
  const auto shaped = [&](Layout layout, std::size_t position) {
    InertTensor tensor;
    tensor.layout = layout;
    if (position < arguments.size()) tensor.shape = Shape(tree, arguments[position]);
    return tensor;
  };
  if (rebuilt_by == "torch._utils._rebuild_sparse_tensor") return Sparse(tree, arguments);
  if (rebuilt_by == "torch._utils._rebuild_qtensor") return shaped(Layout::kQuantised, 2);
  if (rebuilt_by == "torch._utils._rebuild_meta_tensor_no_storage") return shaped(Layout::kMeta, 1);
  if (rebuilt_by == "torch._utils._rebuild_wrapper_subclass") return shaped(Layout::kOther, 2);
  return InertTensor{};
}

bool CopyRules::Less::operator()(const Case& a, const Case& b) const {
  const auto key = [](const Case& c) {
    const auto& [target, source, empty, overlap, device] = c;
    return std::tuple(target, source, empty, overlap, device.type(), device.index());
  };
  return key(a) < key(b);
}

std::optional<std::string> CopyRules::CopyError(const at::Tensor& target, const TensorView& source) {
  const bool overlap = at::has_internal_overlap(target) == at::MemOverlap::Yes;
  const Case pair{target.scalar_type(), source.dtype, target.numel() == 0, overlap, target.device()};
  const auto found = known_.find(pair);
  if (found != known_.end()) return found->second;
  const std::int64_t count = target.numel() == 0 ? 0 : 1;
  auto error = ErrorOf([&] {
    at::Tensor to = at::empty({count}, at::TensorOptions(target.device()).dtype(target.scalar_type()));
    at::Tensor from = at::empty({count}, ToScalarType(source.dtype));
    if (overlap) {
      to = to.expand({2});
      from = from.expand({2});
    }
    to.copy_(from);
  });
  return known_.emplace(pair, std::move(error)).first->second;
}

std::optional<std::string> CopyRules::CopyError(const at::Tensor& target, const InertTensor& source) {
  using Layout = InertTensor::Layout;
  switch (source.layout) {
    case Layout::kSparseCoo:
      return "copy_() between dense and sparse Tensors is not implemented! Found self type = " +
             TypeInMessage("CPU", "torch", target.scalar_type()) + " and src type = " +
             TypeInMessage("SparseCPU", "torch.sparse",
                           FindScalarType(source.dtype.value_or(Dtype::kFloat32)).value_or(at::kFloat));
    case Layout::kSparseCompressed:
      return "copy_sparse_compressed_ expected sparse compressed tensor layout but got Strided";
    case Layout::kQuantised:
      return "Copying from quantized Tensor to non-quantized Tensor is not allowed, please use dequantize to get a "
             "float "
             "Tensor from a quantized Tensor";
    case Layout::kMeta:
      return "Cannot copy out of meta tensor; no data!";
    case Layout::kOther:
      break;
  }
  return "a tensor of this kind cannot be copied from a checkpoint here: save a dense one";
}

std::optional<std::string> CopyRules::AssignError(const at::Tensor& target, bool is_parameter,
                                                  const TensorView& source) {
  const at::ScalarType type = ToScalarType(source.dtype);
  if (is_parameter && target.requires_grad() && !at::isFloatingType(type) && !at::isComplexType(type)) {
    return source.parameter ? "only Tensors of floating point dtype can require gradients"
                            : "Only Tensors of floating point and complex dtype can require gradients";
  }
  if (target.is_meta()) return "LibTorch cannot give a meta tensor memory: construct the module on a device";
  return std::nullopt;
}

std::string CopyRules::AssignError(const InertTensor&) {
  return "only a dense tensor can be assigned to a LibTorch module: save a dense one";
}

std::string CopyWarning(at::ScalarType target, Dtype source) {
  if (!at::isComplexType(ToScalarType(source)) || at::isComplexType(target) || target == at::kBool) return {};
  return "Casting complex values to real discards the imaginary part";
}

}  // namespace loadpath
