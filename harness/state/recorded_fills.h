#ifndef LOADPATH_HARNESS_STATE_RECORDED_FILLS_H_
#define LOADPATH_HARNESS_STATE_RECORDED_FILLS_H_

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace loadpath {

/// DeferredInit's dispatch key. The fallback that DeferredInit registers for it runs while a scope lives.
inline constexpr c10::DispatchKey kDeferredInitKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

/// While one lives, what this thread does to tensors runs no recorded fill: a load that writes them whole, or a fill
/// itself. Each copy counts, so that a function may return one.
class OwnWrites {
 public:
  OwnWrites() { ++count_; }
  OwnWrites(const OwnWrites&) { ++count_; }
  OwnWrites& operator=(const OwnWrites&) = default;
  ~OwnWrites() { --count_; }
  static bool active() { return count_ > 0; }

 private:
  static thread_local int count_;
};

/// In-place fills that were called and did not run yet, by the storage that they write to.
class RecordedFills {
 public:
  /// Records a call of a fill; arguments[0] is the tensor. Raises here what the operator raises for its arguments.
  void Record(const c10::OperatorHandle& op, torch::jit::Stack arguments);

  /// Runs the fills of one storage, in their order.
  void Run(const c10::StorageImpl* storage);
  /// Runs all fills, in their order.
  void RunAll();
  /// Hands all fills over to another object and leaves none here.
  RecordedFills TakeAll();

  /// Takes tensors that were loaded, all those of one load together. Fills of a storage that they cover whole do not
  /// run any more. If they cover a part of it, the fills run and the tensors keep their bytes. If a tensor got other
  /// memory, the fills of the memory that it left stay recorded for whoever still uses that; else they are forgotten.
  void Forget(std::span<const at::Tensor> tensors);

  /// Returns true if a recorded fill will write all elements of the tensor.
  bool WillFill(const at::Tensor& tensor) const;
  std::size_t size() const;
  bool empty() const { return fills_.empty(); }

 private:
  struct Fill {
    std::uint64_t order;
    c10::OperatorHandle op;
    torch::jit::Stack arguments;  // the tensor is an alias, so that set_data on the original does not redirect the fill
    at::Tensor original;          // held, so that no other tensor gets its address
    bool covers_storage;
  };
  using Fills = std::vector<Fill>;

  Fills Take(const c10::StorageImpl* storage);
  static void Run(const Fill& fill);
  static bool UsedByOthers(const Fills& fills);

  std::unordered_map<const c10::StorageImpl*, Fills> fills_;
  std::unordered_map<const c10::TensorImpl*, const c10::StorageImpl*> origins_;  // where the originals were filled
  std::uint64_t next_order_ = 0;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_RECORDED_FILLS_H_
