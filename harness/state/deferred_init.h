#ifndef LOADPATH_HARNESS_STATE_DEFERRED_INIT_H_
#define LOADPATH_HARNESS_STATE_DEFERRED_INIT_H_

#include <torch/nn/module.h>

#include <cstddef>
#include <memory>
#include <span>

namespace loadpath {

/// Construction without initialisation.
///
/// While a scope lives, in-place fills (uniform_, normal_, fill_, zero_ …) of tensors on this thread are recorded, not
/// run, so that a module of 124 M parameters is constructed in milliseconds and its memory stays untouched until it is
/// loaded into. Any other operation that is called on a tensor with recorded fills runs them first, so that its result
/// is right; views alone (weight[0], weight.detach()) do not. Afterwards Finish() runs the recorded fills of every
/// tensor that was not loaded: it then holds its proper first value, never uninitialised memory.
///
/// What a scope cannot see: memory reached through data_ptr() or an accessor. Between the scope's end and Finish() no
/// operation on the module is seen either, so load and finish before anything else. Random fills draw from the
/// generator when they run: where nothing was loaded, no random fill was run early and nothing else drew meanwhile,
/// Finish() gives the values that ordinary construction gives.
///
/// An object belongs to the thread that made it. Scopes nest, also those of different objects.
class DeferredInit {
 public:
  struct Impl;

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
  ~DeferredInit();  ///< runs what is still recorded
  DeferredInit(const DeferredInit&) = delete;
  DeferredInit& operator=(const DeferredInit&) = delete;

  /// make() under a Scope.
  template <class F>
  auto Construct(F&& make) {
    Scope scope(*this);
    return make();
  }

  /// Forgets the fills of these tensors: they will be, or were, written whole. A tensor that is a view of a larger one
  /// with recorded fills keeps its bytes, and the larger one is filled around it.
  void Loaded(std::span<const at::Tensor> tensors);
  /// Runs every fill that is still recorded, in the order in which it was recorded.
  void Finish();
  std::size_t pending() const;  ///< recorded fills

  /// True where a fill recorded on this thread will write the whole tensor: its present bytes mean nothing.
  static bool WillFill(const at::Tensor& tensor);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_DEFERRED_INIT_H_
