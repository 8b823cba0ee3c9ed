#include "harness/state/fill.h"

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <exception>
#include <utility>

#include "harness/state/own_writes.h"

namespace loadpath {
namespace {

bool CoversStorage(const at::Tensor& tensor) {
  return tensor.is_non_overlapping_and_dense() && tensor.nbytes() >= tensor.storage().nbytes();
}

}  // namespace

Fill::Fill(const void* owner, const c10::OperatorHandle& op, torch::jit::Stack arguments)
    : owner_(owner), op_(op), arguments_(std::move(arguments)), original_(arguments_[0].toTensor().getIntrusivePtr()) {
  const at::Tensor self = arguments_[0].toTensor();
  covers_storage_ = CoversStorage(self);
  {
    // Raise for wrong arguments (a negative standard deviation) here, where the fill was called.
    const c10::impl::ExcludeDispatchKeyGuard guard(kDeferredInitKey);
    const at::NoGradGuard no_grad;
    torch::jit::Stack trial = arguments_;
    // fill_ takes other values for one element than for several. A trial with elements must not draw random numbers.
    const bool draws = op_.schema().argumentIndexWithName("generator").has_value();
    trial[0] = at::empty({!draws && self.numel() == 1 ? 1 : 0}, self.options());
    op_.callBoxed(trial);
  }
  // Unlike detach(), this gives no view: a view holds the tensor that it is one of.
  arguments_[0] = at::Tensor(self.variable_data());
}

void Fill::Run() const {
  const OwnWrites own;
  const c10::impl::ExcludeDispatchKeyGuard guard(kDeferredInitKey);
  const at::NoGradGuard no_grad;
  torch::jit::Stack stack = arguments_;
  op_.callBoxed(stack);
}

void RunAll(const Fills& fills) {
  std::exception_ptr error;
  for (const Fill& fill : fills) {
    try {
      fill.Run();
    } catch (...) {
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace loadpath
