#include "loadpath/deferred_init.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/library.h>

#include <algorithm>
#include <mutex>
#include <optional>
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
  std::mutex mutex;  // guards the other members and the objects' fills
  std::vector<Impl*> objects;
  std::optional<at::CallbackHandle> watch;  // while fills are recorded and their scope has ended
};

// Never destroyed: objects with static lifetime may outlive it.
Registry& All() {
  static auto* registry = new Registry;
  return *registry;
}

// What is done to tensors under the lock must not come back for it.
struct Lock {
  std::lock_guard<std::mutex> guard{All().mutex};
  OwnWrites own;
};

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

// Sees every operation of every thread before it runs. Inside a scope the fallback below sees them.
std::unique_ptr<at::ObserverContext> OnOperation(const at::RecordFunction& function) {
  if (OwnWrites::active() || recording != nullptr) return nullptr;
  const std::optional<c10::OperatorName> name = function.operator_name();
  if (!name || IsView(*name)) return nullptr;
  const Lock lock;
  for (const c10::IValue& input : function.inputs()) RunFor(input, All().objects);
  return nullptr;
}

// Watches operations while there is a fill that one of them could meet. An observer costs every operation of the
// process a microsecond, so there is none at other times.
void WatchIfNeeded() {
  Registry& all = All();
  const bool needed = std::ranges::any_of(all.objects, [](const Impl* object) { return !object->fills.empty(); });
  if (needed && !all.watch) {
    all.watch = at::addGlobalCallback(
        at::RecordFunctionCallback(OnOperation).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  } else if (!needed && all.watch) {
    at::removeCallback(*std::exchange(all.watch, std::nullopt));
  }
}

void Fallback(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const std::size_t count = op.schema().arguments().size();
  const auto arguments = std::span(*stack).last(count);
  if (recording != nullptr && IsFill(op.operator_name())) {
    const at::Tensor self = arguments[0].toTensor();
    // Filling a parameter with gradients on is an error: let the operator itself raise it.
    if (HasOwnMemory(self) && !(at::GradMode::is_enabled() && self.requires_grad())) {
      const Lock lock;
      recording->fills.Record(op, torch::jit::Stack(arguments.begin(), arguments.end()));
      torch::jit::drop(*stack, count);
      stack->push_back(self);
      return;
    }
  }
  if (!IsView(op.operator_name())) {
    const Lock lock;
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
  ~Mode() {
    recording = previous;
    if (previous != nullptr) return;
    const Lock lock;
    WatchIfNeeded();
  }
  Impl* previous;
  c10::impl::IncludeDispatchKeyGuard guard{kDeferredInitKey};
};

DeferredInit::Scope::Scope(DeferredInit& owner) : mode_(std::make_unique<Mode>(owner.impl_.get())) {}
DeferredInit::Scope::~Scope() = default;

DeferredInit::DeferredInit() : impl_(std::make_unique<Impl>()) {
  const Lock lock;
  All().objects.push_back(impl_.get());
}

DeferredInit::~DeferredInit() {
  Finish();
  const Lock lock;
  std::erase(All().objects, impl_.get());
}

void DeferredInit::Loaded(std::span<const at::Tensor> tensors) {
  const Lock lock;
  impl_->fills.Forget(tensors);
  WatchIfNeeded();
}

void DeferredInit::ForgetFills(std::span<const at::Tensor> tensors) {
  const Lock lock;
  for (Impl* object : All().objects) object->fills.Forget(tensors);
  WatchIfNeeded();
}

void DeferredInit::Finish() {
  RecordedFills fills;
  {
    const Lock lock;
    fills = impl_->fills.TakeAll();
    WatchIfNeeded();
  }
  fills.RunAll();  // it may take long: other threads may load meanwhile
}

std::size_t DeferredInit::pending() const {
  const Lock lock;
  return impl_->fills.size();
}

bool DeferredInit::WillFill(const at::Tensor& tensor) {
  if (!HasOwnMemory(tensor)) return false;
  const Lock lock;
  return std::ranges::any_of(All().objects, [&](const Impl* object) { return object->fills.WillFill(tensor); });
}

}  // namespace loadpath
