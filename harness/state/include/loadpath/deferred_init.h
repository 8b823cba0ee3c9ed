#ifndef LOADPATH_DEFERRED_INIT_H_
#define LOADPATH_DEFERRED_INIT_H_

#include <torch/nn/module.h>

#include <cstddef>
#include <memory>
#include <span>

namespace loadpath {

/// Construction without initialisation.
///
///   DeferredInit deferred;
///   auto module = deferred.Construct([] { return MyNet(); });
///   LoadStateDict(*module, state_dict);   // or any load path
///   deferred.Finish();
///
/// While a scope lives, in-place fills (uniform_, normal_, fill_, zero_ …) of tensors on this thread are recorded, not
/// run. A module of 124 M parameters is then constructed in milliseconds, and its memory stays untouched until it is
/// loaded into. Any other operation on a tensor with recorded fills, under the scope or after it and on any thread,
/// runs them first, so that its result is right and nothing that it writes is overwritten later; views (weight[0],
/// weight.detach()) do not. LoadStateDict and the load paths forget the fills of the tensors that they load. Finish(),
/// or the destructor, runs the fills of all others: such a tensor holds its proper first value, never uninitialised
/// memory. So no order of these calls gives another module than ordinary construction and the load would.
///
/// Nothing sees memory that is reached without an operation: by data_ptr(), an accessor, torch::save. Nor is an
/// operation seen that LibTorch does not report: under at::DisableRecordFunctionGuard or
/// at::RecordFunctionGuard(false), one that a kernel calls directly (at::native::…), or one that began on another
/// thread before the fill was recorded. Call Finish() before any of these; if you write there before, call Loaded() for
/// the tensor.
///
/// Random fills draw from the generator when they run: Finish() gives the values of ordinary construction if nothing
/// was loaded, no random fill ran early and nothing else drew in between. A thread that holds a generator's mutex must
/// not touch a tensor whose fills draw from that generator.
///
/// What is recorded are fills of dense or strided floating-point tensors whose elements do not overlap and whose memory
/// is LibTorch's (not from_blob's). Any other fill runs at once. So a fill that fails does so where it is called.
///
/// Objects may be used on different threads at once, also for the same memory: the fills of a storage run in the order
/// of their calls, whichever objects recorded them, and only threads that need the storage wait for them. While a
/// load writes a tensor, no other thread may touch it. A scope begins and ends on one thread. Scopes nest, also those
/// of different objects.
///
/// Process-wide: linking this registers a fallback for LibTorch's dispatch key TESTING_ONLY_GenericMode, the only one
/// that is free for it. The fallback runs only on a thread inside a scope. A program that registers one for the same
/// key itself cannot use this class. From the first recorded fill until none is left, an observer
/// (at::addGlobalCallback) sees every operation of the process.
class DeferredInit {
 public:
  class Scope {
   public:
    explicit Scope(DeferredInit& owner);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    struct Mode;
    std::unique_ptr<Mode> mode_;
  };

  DeferredInit();
  /// Runs what is still recorded, except for memory that nothing else holds any more. Throws nothing.
  ~DeferredInit();
  DeferredInit(const DeferredInit&) = delete;
  DeferredInit& operator=(const DeferredInit&) = delete;

  /// Returns make(), called under a Scope.
  template <class F>
  auto Construct(F&& make) {
    Scope scope(*this);
    return make();
  }

  /// Forgets the fills of these tensors: they were written whole, or have other memory now. Tensors that are views of a
  /// larger one with recorded fills keep their bytes, and the larger one is filled around them: pass all tensors of a
  /// load in one call. If other tensors still use the memory that a tensor left, its fills stay recorded for them.
  /// Tensors without fills are ignored, so calling it after a load does no harm.
  void Loaded(std::span<const at::Tensor> tensors) { ForgetFills(tensors); }
  /// Runs every fill that this object has still recorded, in the order in which it was recorded, after those that other
  /// objects recorded before for the same memory.
  void Finish();
  std::size_t pending() const;  ///< recorded fills

  /// Returns true if a recorded fill of any object will write the whole tensor: its present bytes mean nothing.
  static bool WillFill(const at::Tensor& tensor);
  /// Returns true if, besides, no other tensor uses its memory: a load may give it other memory, and nobody could tell.
  static bool WillFillAlone(const at::Tensor& tensor);
  /// Does what Loaded() does, which concerns the fills of every object of the process. Every load that succeeds calls
  /// it.
  static void ForgetFills(std::span<const at::Tensor> tensors);
};

}  // namespace loadpath

#endif  // LOADPATH_DEFERRED_INIT_H_
