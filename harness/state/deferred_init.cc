#include "loadpath/deferred_init.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/library.h>

#include <algorithm>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/state/recorded_fills.h"

namespace loadpath {
namespace {

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

bool HasOwnMemory(const at::Tensor& tensor) {
  return tensor.defined() && tensor.layout() == at::kStrided && tensor.has_storage() && !tensor.is_meta();
}

}  // namespace

struct DeferredInit::Impl {
  RecordedFills fills;
};

namespace {

using Impl = DeferredInit::Impl;

// The object that records on this thread now.
thread_local Impl* recording = nullptr;

// All objects of all threads: a module may be constructed on one thread and loaded on another.
struct Registry {
  std::mutex mutex;  // guards `objects` and their fills
  std::vector<Impl*> objects;
};

// Never destroyed: objects with static lifetime may outlive it.
Registry& All() {
  static auto* registry = new Registry;
  return *registry;
}

// Runs the fills, recorded by any object, of the memory behind a value on the stack.
void RunFor(const c10::IValue& value, const std::vector<Impl*>& objects) {
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (!tensor.defined() || !tensor.has_storage()) return;
    for (Impl* object : objects) object->fills.Run(tensor.storage().unsafeGetStorageImpl());
  } else if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) RunFor(tensor, objects);
  } else if (value.isList()) {
    for (const c10::IValue& element : value.toListRef()) RunFor(element, objects);
  }
}

void Fallback(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const std::size_t count = op.schema().arguments().size();
  const auto arguments = std::span(*stack).last(count);
  if (recording != nullptr && IsFill(op.operator_name())) {
    const at::Tensor self = arguments[0].toTensor();
    // Filling a parameter with gradients on is an error: let the operator itself raise it.
    if (HasOwnMemory(self) && !(at::GradMode::is_enabled() && self.requires_grad())) {
      const std::lock_guard lock(All().mutex);
      recording->fills.Record(op, torch::jit::Stack(arguments.begin(), arguments.end()));
      torch::jit::drop(*stack, count);
      stack->push_back(self);
      return;
    }
  }
  if (!IsView(op.operator_name())) {
    const std::lock_guard lock(All().mutex);
    for (const c10::IValue& argument : arguments) RunFor(argument, All().objects);
  }
  // Operators that this one calls are not seen: they may read memory directly.
  c10::impl::ExcludeDispatchKeyGuard guard(kDeferredInitKey);
  op.redispatchBoxed(keys & c10::DispatchKeySet(c10::DispatchKeySet::FULL_AFTER, kDeferredInitKey), stack);
}

TORCH_LIBRARY_IMPL(_, TESTING_ONLY_GenericMode, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&Fallback>());
}

}  // namespace

struct DeferredInit::Scope::Mode {
  explicit Mode(Impl* impl) : previous(std::exchange(recording, impl)) {}
  ~Mode() { recording = previous; }
  Impl* previous;
  c10::impl::IncludeDispatchKeyGuard guard{kDeferredInitKey};
};

DeferredInit::Scope::Scope(DeferredInit& owner) : mode_(std::make_unique<Mode>(owner.impl_.get())) {}
DeferredInit::Scope::~Scope() = default;

DeferredInit::DeferredInit() : impl_(std::make_unique<Impl>()) {
  const std::lock_guard lock(All().mutex);
  All().objects.push_back(impl_.get());
}

DeferredInit::~DeferredInit() {
  Finish();
  const std::lock_guard lock(All().mutex);
  std::erase(All().objects, impl_.get());
}

void DeferredInit::Loaded(std::span<const at::Tensor> tensors) {
  const std::lock_guard lock(All().mutex);
  impl_->fills.Forget(tensors);
}

void DeferredInit::ForgetFills(std::span<const at::Tensor> tensors) {
  const std::lock_guard lock(All().mutex);
  for (Impl* object : All().objects) object->fills.Forget(tensors);
}

void DeferredInit::Finish() {
  RecordedFills fills;
  {
    const std::lock_guard lock(All().mutex);
    fills = impl_->fills.TakeAll();
  }
  fills.RunAll();  // it may take long: other threads may load meanwhile
}

std::size_t DeferredInit::pending() const {
  const std::lock_guard lock(All().mutex);
  return impl_->fills.size();
}

bool DeferredInit::WillFill(const at::Tensor& tensor) {
  if (!HasOwnMemory(tensor)) return false;
  const std::lock_guard lock(All().mutex);
  return std::ranges::any_of(All().objects, [&](const Impl* object) { return object->fills.WillFill(tensor); });
}

}  // namespace loadpath
