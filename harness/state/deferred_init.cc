#include "harness/state/deferred_init.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/library.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace loadpath {
namespace {

constexpr c10::DispatchKey kMode = c10::DispatchKey::TESTING_ONLY_GenericMode;

// Fills overwrite all of `self`, read nothing of it, and have no other tensor among their arguments.
constexpr std::pair<std::string_view, std::string_view> kFills[] = {
    {"aten::uniform_", ""},        {"aten::normal_", ""},     {"aten::fill_", "Scalar"}, {"aten::zero_", ""},
    {"aten::random_", ""},         {"aten::random_", "from"}, {"aten::random_", "to"},   {"aten::exponential_", ""},
    {"aten::bernoulli_", "float"}, {"aten::log_normal_", ""}, {"aten::cauchy_", ""},     {"aten::geometric_", ""},
};

// Operations that touch no element. Operations that may copy (reshape, contiguous, to) are not among them.
constexpr std::string_view kViews[] = {
    "aten::alias",   "aten::as_strided", "aten::data",           "aten::detach",    "aten::expand",
    "aten::narrow",  "aten::permute",    "aten::requires_grad_", "aten::select",    "aten::slice",
    "aten::squeeze", "aten::t",          "aten::transpose",      "aten::unsqueeze", "aten::view",
};

bool IsFill(const c10::OperatorName& name) {
  return std::ranges::any_of(
      kFills, [&](const auto& fill) { return name.name == fill.first && name.overload_name == fill.second; });
}

bool IsView(const c10::OperatorName& name) { return std::ranges::find(kViews, name.name) != std::end(kViews); }

bool CoversStorage(const at::Tensor& tensor) {
  return tensor.is_non_overlapping_and_dense() && tensor.nbytes() >= tensor.storage().nbytes();
}

bool HasOwnMemory(const at::Tensor& tensor) {
  return tensor.defined() && tensor.layout() == at::kStrided && tensor.has_storage() && !tensor.is_meta();
}

void RunOutsideMode(const c10::OperatorHandle& op, torch::jit::Stack stack) {
  c10::impl::ExcludeDispatchKeyGuard guard(kMode);
  at::NoGradGuard no_grad;
  op.callBoxed(stack);
}

}  // namespace

struct DeferredInit::Impl {
  struct Fill {
    std::uint64_t order;
    c10::OperatorHandle op;
    torch::jit::Stack arguments;  // `self` is an alias, so that set_data on the original does not redirect the fill
    at::Tensor original;          // held, so that no other tensor gets its address
    bool covers_storage;
  };
  struct Origin {
    const c10::StorageImpl* storage;
    bool covers_storage;
  };
  using Fills = std::vector<Fill>;

  std::unordered_map<const c10::StorageImpl*, Fills> fills;
  std::unordered_map<const c10::TensorImpl*, Origin> origins;
  std::uint64_t next_order = 0;

  // All objects of this thread, and the one that records now.
  static thread_local std::vector<Impl*> live;
  static thread_local Impl* recording;

  void Record(const c10::OperatorHandle& op, torch::jit::Stack arguments) {
    const at::Tensor self = arguments[0].toTensor();
    // Raise for wrong arguments (a negative standard deviation) here, where the fill was called.
    torch::jit::Stack trial = arguments;
    {
      c10::impl::ExcludeDispatchKeyGuard guard(kMode);
      trial[0] = at::empty({0}, self.options());
      arguments[0] = self.detach();
    }
    RunOutsideMode(op, std::move(trial));
    const c10::StorageImpl* storage = self.storage().unsafeGetStorageImpl();
    const bool covers = CoversStorage(self);
    origins[self.unsafeGetTensorImpl()] = {storage, covers};
    fills[storage].push_back({next_order++, op, std::move(arguments), self, covers});
  }

  // Removes and returns the fills of a storage.
  Fills Take(const c10::StorageImpl* storage) {
    const auto found = fills.find(storage);
    if (found == fills.end()) return {};
    Fills taken = std::move(found->second);
    fills.erase(found);
    for (const Fill& fill : taken) origins.erase(fill.original.unsafeGetTensorImpl());
    return taken;
  }

  void Run(const c10::StorageImpl* storage) {
    for (const Fill& fill : Take(storage)) RunOutsideMode(fill.op, fill.arguments);
  }

  void RunAll() {
    std::vector<Fill> all;
    for (auto& [storage, list] : fills) std::move(list.begin(), list.end(), std::back_inserter(all));
    fills.clear();
    origins.clear();
    std::ranges::sort(all, {}, &Fill::order);
    for (const Fill& fill : all) RunOutsideMode(fill.op, fill.arguments);
  }

  void Forget(const at::Tensor& tensor) {
    if (fills.empty() || !tensor.has_storage()) return;
    const auto origin = origins.find(tensor.unsafeGetTensorImpl());
    if (origin != origins.end() && origin->second.covers_storage) Take(origin->second.storage);
    const c10::StorageImpl* storage = tensor.storage().unsafeGetStorageImpl();
    if (!fills.contains(storage)) return;
    if (CoversStorage(tensor)) {
      Take(storage);
    } else {
      const at::Tensor view = tensor.detach();
      const at::Tensor loaded = view.clone();
      Run(storage);
      at::NoGradGuard no_grad;
      view.copy_(loaded);
    }
  }

  // Runs the fills, recorded by any object of this thread, of the memory behind a value on the stack.
  static void RunFor(const c10::IValue& value) {
    if (value.isTensor()) {
      const at::Tensor& tensor = value.toTensor();
      if (!tensor.defined() || !tensor.has_storage()) return;
      for (Impl* impl : live) impl->Run(tensor.storage().unsafeGetStorageImpl());
    } else if (value.isTensorList()) {
      for (const at::Tensor& tensor : value.toTensorVector()) RunFor(tensor);
    } else if (value.isList()) {
      for (const c10::IValue& element : value.toListRef()) RunFor(element);
    }
  }
};

thread_local std::vector<DeferredInit::Impl*> DeferredInit::Impl::live;
thread_local DeferredInit::Impl* DeferredInit::Impl::recording = nullptr;

namespace {

void Fallback(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  using Impl = DeferredInit::Impl;
  const std::size_t count = op.schema().arguments().size();
  const auto arguments = std::span(*stack).last(count);
  if (Impl::recording && IsFill(op.operator_name())) {
    const at::Tensor self = arguments[0].toTensor();
    // Filling a parameter with gradients on is an error: let the operator itself raise it.
    if (HasOwnMemory(self) && !(at::GradMode::is_enabled() && self.requires_grad())) {
      Impl::recording->Record(op, torch::jit::Stack(arguments.begin(), arguments.end()));
      torch::jit::drop(*stack, count);
      stack->push_back(self);
      return;
    }
  }
  if (!IsView(op.operator_name())) {
    for (const c10::IValue& argument : arguments) Impl::RunFor(argument);
  }
  // Operators that this one calls are not seen: they may read memory directly.
  c10::impl::ExcludeDispatchKeyGuard guard(kMode);
  op.redispatchBoxed(keys & c10::DispatchKeySet(c10::DispatchKeySet::FULL_AFTER, kMode), stack);
}

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&Fallback>());
}

}  // namespace

struct DeferredInit::Scope::Mode {
  explicit Mode(Impl* impl) : previous(std::exchange(Impl::recording, impl)) {}
  ~Mode() { Impl::recording = previous; }
  Impl* previous;
  c10::impl::IncludeDispatchKeyGuard guard{kMode};
};

DeferredInit::Scope::Scope(DeferredInit& owner) : mode_(std::make_unique<Mode>(owner.impl_.get())) {}
DeferredInit::Scope::~Scope() = default;

DeferredInit::DeferredInit() : impl_(std::make_unique<Impl>()) { Impl::live.push_back(impl_.get()); }

DeferredInit::~DeferredInit() {
  impl_->RunAll();
  std::erase(Impl::live, impl_.get());
}

void DeferredInit::Loaded(std::span<const at::Tensor> tensors) {
  for (const at::Tensor& tensor : tensors) impl_->Forget(tensor);
}

void DeferredInit::ForgetFills(std::span<const at::Tensor> tensors) {
  for (Impl* impl : Impl::live) {
    for (const at::Tensor& tensor : tensors) impl->Forget(tensor);
  }
}

void DeferredInit::Finish() { impl_->RunAll(); }

std::size_t DeferredInit::pending() const {
  std::size_t count = 0;
  for (const auto& [storage, list] : impl_->fills) count += list.size();
  return count;
}

bool DeferredInit::WillFill(const at::Tensor& tensor) {
  if (!HasOwnMemory(tensor)) return false;
  for (const Impl* impl : Impl::live) {
    const auto found = impl->fills.find(tensor.storage().unsafeGetStorageImpl());
    if (found == impl->fills.end()) continue;
    if (std::ranges::any_of(found->second, [&](const Impl::Fill& fill) {
          return fill.covers_storage || fill.original.is_same(tensor);
        })) {
      return true;
    }
  }
  return false;
}

}  // namespace loadpath
