#ifndef LOADPATH_LOAD_STATE_DICT_H_
#define LOADPATH_LOAD_STATE_DICT_H_

#include <torch/nn/module.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "loadpath/state_dict.h"

namespace loadpath {

/// load_state_dict refused: what() is PyTorch's text for the same module and state dict.
class StateDictError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct LoadStateDictOptions {
  bool strict = true;
  bool assign = false;  ///< make the checkpoint's tensors the module's: dtype and strides come from the file
  /// Leave a tensor of another shape as the module has it, and report it, where PyTorch refuses the whole load.
  bool skip_mismatched = false;
};

/// A parameter or buffer that the state dict fills.
struct PlannedTensor {
  std::string key;  ///< its full name in the module and in the state dict
  torch::nn::Module* owner;
  std::string name;  ///< within the owner
  bool is_parameter;
  at::Tensor target;       ///< the module's tensor as it was when the plan was made
  NodeId source;           ///< the checkpoint's tensor
  std::string file_key{};  ///< the source's key in the file, if a rule has changed it

  /// Returns the target's shape, and the source's, except that [1] may be loaded into 0-dim.
  at::IntArrayRef shape() const { return target.sizes(); }
};

/// What happened, or will happen, to a key.
enum class KeyOutcome : std::uint8_t {
  kLoaded,      ///< bytes copied, or the tensor assigned
  kConverted,   ///< copied with a change of dtype
  kMissing,     ///< in the module, not in the state dict
  kUnexpected,  ///< in the state dict, not in the module
  /// Accepted and not used: as in PyTorch under a child registered as None, or copied to a meta tensor; of a
  /// TorchScript or C++ archive, which holds every buffer, one that ModuleInfo says is not persistent.
  kIgnored,
  kDefaulted,   ///< absent in an old checkpoint and filled by PyTorch's rule (num_batches_tracked)
  kLeftOut,     ///< `only` or `skip` (KeyRules) leaves it out, in the module or in the state dict
  kMismatched,  ///< of another shape, and LoadStateDictOptions::skip_mismatched leaves it as it is
  kRefused,     ///< the error says why
};
std::string_view Name(KeyOutcome outcome);
struct KeyReport {
  std::string key;
  KeyOutcome outcome;
  std::string file_key{};  ///< the key in the file, if a rule has changed it
};

/// A load that is validated as a whole, before anything is written. Any load path can apply it.
struct LoadPlan {
  std::vector<PlannedTensor> tensors;                      ///< in the module's order
  std::vector<std::string> missing_keys, unexpected_keys;  ///< in PyTorch's order
  std::vector<std::string> mismatched;                     ///< PyTorch's sentence for each that was skipped
  std::vector<std::string> warnings;                       ///< PyTorch's own, then ours: a rename that changed no key
  std::vector<KeyReport> report;
};

/// Decides what load_state_dict does before the first byte is written, by every rule of
/// torch.nn.Module.load_state_dict (torch/nn/modules/module.py, 2.15) and with its texts. Throws StateDictError if
/// PyTorch raises.
LoadPlan PlanLoadStateDict(torch::nn::Module& module, const StateDict& state_dict,
                           const LoadStateDictOptions& options = {});

/// Does the same without throwing: returns the error text and the key lists, for reports and tests.
struct LoadCheck {
  LoadPlan plan;
  std::string error;                        ///< empty if PyTorch would not raise
  std::vector<std::string> error_messages;  ///< the lines of `error` one by one, without the leading tab
};
LoadCheck CheckLoadStateDict(torch::nn::Module& module, const StateDict& state_dict,
                             const LoadStateDictOptions& options = {});

struct IncompatibleKeys {
  std::vector<std::string> missing_keys, unexpected_keys;
};

/// Plans the load, then copies (or assigns). A load that is refused, or that fails, leaves the module as it was.
/// Aliases inside the module are kept: a parameter that two modules share stays shared (with `assign` both get the same
/// tensor). Fills that a DeferredInit recorded for the loaded tensors are forgotten.
IncompatibleKeys LoadStateDict(torch::nn::Module& module, const StateDict& state_dict,
                               const LoadStateDictOptions& options = {}, const ReadOptions& read = {});

/// Returns PyTorch's class name for messages: ModuleInfo::python_class if it is set, else "Linear" for
/// torch::nn::LinearImpl.
std::string PythonClassName(const torch::nn::Module& module);

}  // namespace loadpath

#endif  // LOADPATH_LOAD_STATE_DICT_H_
