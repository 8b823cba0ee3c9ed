#ifndef LOADPATH_HARNESS_STATE_FILL_H_
#define LOADPATH_HARNESS_STATE_FILL_H_

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <cstdint>
#include <vector>

namespace loadpath {

/// DeferredInit's dispatch key. The fallback that DeferredInit registers for it runs while a scope lives.
inline constexpr c10::DispatchKey kDeferredInitKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

/// A call of an in-place fill that did not run yet.
class Fill {
 public:
  /// arguments[0] is the tensor. Raises here what the operator raises for its arguments.
  Fill(const void* owner, const c10::OperatorHandle& op, torch::jit::Stack arguments);

  void Run() const;

  /// Returns the object that recorded it.
  const void* owner() const { return owner_; }
  const c10::StorageImpl* storage() const { return alias().storage().unsafeGetStorageImpl(); }
  const at::Tensor& alias() const { return arguments_[0].toTensor(); }
  /// Returns the address of the tensor that was filled. It is no other tensor's while this object lives.
  const c10::TensorImpl* original() const { return original_._unsafe_get_target(); }
  bool WritesAllOf(const at::Tensor& tensor) const {
    return covers_storage_ || original() == tensor.unsafeGetTensorImpl();
  }

  std::uint64_t order = 0;  ///< among all fills of the process

 private:
  const void* owner_;
  c10::OperatorHandle op_;
  torch::jit::Stack arguments_;  // the tensor is an alias, so that set_data on the original does not redirect the fill
  c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl> original_;  // weak: it holds no memory
  bool covers_storage_;
};

using Fills = std::vector<Fill>;

/// Runs all of them in this order. Throws what the first that failed threw, after the others ran.
void RunAll(const Fills& fills);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_FILL_H_
