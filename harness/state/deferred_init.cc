#include "loadpath/deferred_init.h"

#include <ATen/ATen.h>
#include <ATen/MemoryOverlap.h>
#include <ATen/record_function.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/library.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include "harness/state/own_writes.h"
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

// Returns true if a generator among the arguments is one of the tensor's device.
bool HaveItsGenerator(std::span<const c10::IValue> arguments, const at::Tensor& self) {
  return std::ranges::all_of(arguments, [&](const c10::IValue& argument) {
    return !argument.isGenerator() || argument.toGenerator().device().type() == self.device().type();
  });
}

bool HasOwnMemory(const at::Tensor& tensor) {
  return tensor.defined() && tensor.layout() == at::kStrided && tensor.has_storage() && !tensor.is_meta();
}

// Returns true if a fill of the tensor can wait: it will not fail later, whatever the operator checks in its kernel,
// and its memory is LibTorch's, not that of a vector behind from_blob, which may end before or live on.
bool CanWait(const at::Tensor& self) {
  if (!HasOwnMemory(self) || self.is_inference() || self.storage().allocator() == nullptr) return false;
  // Filling a parameter with gradients on is an error: let the operator itself raise it.
  if (at::GradMode::is_enabled() && self.requires_grad()) return false;
  const at::ScalarType dtype = self.scalar_type();
  return (dtype == at::kFloat || dtype == at::kDouble || dtype == at::kHalf || dtype == at::kBFloat16) &&
         at::has_internal_overlap(self) != at::MemOverlap::Yes;
}

// The object that records on this thread now.
thread_local const DeferredInit* recording = nullptr;

RecordedFills& All();

// Runs the fills of the memory behind a value on the stack.
void RunFor(const c10::IValue& value) {
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (tensor.defined() && tensor.has_storage()) All().Run(tensor.storage().unsafeGetStorageImpl());
  } else if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) RunFor(tensor);
  } else if (value.isList()) {
    for (const c10::IValue& element : value.toListRef()) RunFor(element);
  }
}

// Sees every operation of every thread before it runs. Inside a scope the fallback below sees them.
std::unique_ptr<at::ObserverContext> OnOperation(const at::RecordFunction& function) {
  // Inside a scope the fallback below sees an operation, unless another one called it or its thread state is not the
  // scope's.
  const bool fallback_sees = c10::impl::tls_is_dispatch_key_included(kDeferredInitKey) &&
                             !c10::impl::tls_is_dispatch_key_excluded(kDeferredInitKey);
  if (OwnWrites::active() || fallback_sees) return nullptr;
  const std::optional<c10::OperatorName> name = function.operator_name();
  if (!name || IsView(*name)) return nullptr;
  for (const c10::IValue& input : function.inputs()) RunFor(input);
  return nullptr;
}

// An observer costs every operation of the process a microsecond, so there is none while no fill is recorded.
void Watch(bool needed) {
  static at::CallbackHandle handle = at::INVALID_CALLBACK_HANDLE;
  if (needed) {
    handle = at::addGlobalCallback(
        at::RecordFunctionCallback(OnOperation).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  } else {
    at::removeCallback(handle);
  }
}

// A module may be constructed on one thread and loaded on another. Never destroyed: objects with static lifetime may
// outlive it.
RecordedFills& All() {
  static auto* fills = new RecordedFills(Watch);
  return *fills;
}

void Fallback(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const std::size_t count = op.schema().arguments().size();
  const auto arguments = std::span(*stack).last(count);
  if (recording != nullptr && IsFill(op.operator_name())) {
    const at::Tensor self = arguments[0].toTensor();
    if (CanWait(self) && HaveItsGenerator(arguments, self)) {
      All().Record(Fill(recording, op, torch::jit::Stack(arguments.begin(), arguments.end())));
      torch::jit::drop(*stack, count);
      stack->push_back(self);
      return;
    }
  }
  if (!IsView(op.operator_name())) {
    for (const c10::IValue& argument : arguments) RunFor(argument);
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
  explicit Mode(const DeferredInit& owner) : previous(std::exchange(recording, &owner)) {}
  ~Mode() { recording = previous; }
  const DeferredInit* previous;
  c10::impl::IncludeDispatchKeyGuard guard{kDeferredInitKey};
};

DeferredInit::Scope::Scope(DeferredInit& owner) : mode_(std::make_unique<Mode>(owner)) {}
DeferredInit::Scope::~Scope() = default;

DeferredInit::DeferredInit() = default;
DeferredInit::~DeferredInit() {
  try {
    All().DropUnused(this);
    Finish();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "loadpath: a tensor could not be initialised: %s\n", error.what());
  } catch (...) {
    std::fprintf(stderr, "loadpath: a tensor could not be initialised\n");
  }
}

void DeferredInit::ForgetFills(std::span<const at::Tensor> tensors) { All().Forget(tensors); }
void DeferredInit::Finish() { All().Finish(this); }
std::size_t DeferredInit::pending() const { return All().Count(this); }
bool DeferredInit::WillFill(const at::Tensor& tensor) { return HasOwnMemory(tensor) && All().WillFill(tensor); }
bool DeferredInit::WillFillAlone(const at::Tensor& tensor) {
  return HasOwnMemory(tensor) && All().WillFillAlone(tensor);
}

}  // namespace loadpath
