#ifndef LOADPATH_HARNESS_STATE_DEFERRED_INIT_H_
#define LOADPATH_HARNESS_STATE_DEFERRED_INIT_H_

#include <memory>
#include <span>

#include <torch/nn/module.h>

namespace loadpath {

/// Construction without initialisation.
///
/// While a scope lives, in-place fills (uniform_, normal_, fill_, zero_ …) of tensors on this thread are recorded, not
/// run, so that a module of 124 M parameters is constructed in milliseconds and its memory stays untouched until it is
/// loaded into. Any other operation on a tensor with recorded fills runs them first, so that results are never wrong.
/// Afterwards Finish() runs the recorded fills of every tensor that was not loaded: it then holds its proper first
/// value, never uninitialised memory.
class DeferredInit {
 public:
  class Scope {
   public:
    explicit Scope(DeferredInit& owner);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
   private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

  DeferredInit();
  ~DeferredInit();   ///< runs what is still recorded

  /// make() under a Scope.
  template <class F>
  auto Construct(F&& make) {
    Scope scope(*this);
    return make();
  }

  /// Forgets the fills of these tensors: they will be, or were, written whole.
  void Loaded(std::span<const at::Tensor> tensors);
  /// Runs every fill that is still recorded, in the order in which it was recorded.
  void Finish();
  std::size_t pending() const;   ///< recorded fills

 private:
  friend class Scope;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_DEFERRED_INIT_H_
