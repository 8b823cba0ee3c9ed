#ifndef LOADPATH_HARNESS_STATE_LOAD_STATE_DICT_H_
#define LOADPATH_HARNESS_STATE_LOAD_STATE_DICT_H_

#include <torch/nn/module.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "harness/state/state_dict.h"

namespace loadpath {

/// torch.nn.Module.load_state_dict refused: what() is PyTorch's text for the same pair of module and state dict.
class StateDictError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct LoadStateDictOptions {
  bool strict = true;
  bool assign = false;        ///< take the checkpoint's tensors themselves: dtype and strides come from the file
  std::string remove_prefix;  ///< "module.": as consume_prefix_in_state_dict_if_present
};

/// One parameter or buffer that the state dict fills.
struct PlannedTensor {
  std::string key;  ///< its full name in the module and in the state dict
  torch::nn::Module* owner;
  std::string name;  ///< within the owner
  bool is_parameter;
  at::Tensor target;                ///< the module's tensor as it was when the plan was made
  NodeId source;                    ///< the checkpoint's tensor
  std::vector<std::int64_t> shape;  ///< the target's; the source's too, but for [1] loaded into 0-dim
};

/// What happened, or will happen, to a key: the report as data.
enum class KeyOutcome : std::uint8_t {
  kLoaded,      ///< bytes copied, or the tensor assigned
  kConverted,   ///< copied with a change of dtype
  kMissing,     ///< in the module, not in the state dict
  kUnexpected,  ///< in the state dict, not in the module
  kIgnored,    ///< accepted and not used, as PyTorch does: under a child registered as None, or copied to a meta tensor
  kDefaulted,  ///< absent in an old checkpoint and filled by PyTorch's rule (num_batches_tracked)
  kRefused,    ///< see errors
};
std::string_view Name(KeyOutcome outcome);
struct KeyReport {
  std::string key;
  KeyOutcome outcome;
};

/// A whole validated load: nothing has been written. Made once, applied by any load path.
struct LoadPlan {
  std::vector<PlannedTensor> tensors;                      ///< in the module's order
  std::vector<std::string> missing_keys, unexpected_keys;  ///< in PyTorch's order
  std::vector<std::string> warnings;                       ///< PyTorch's own
  std::vector<KeyReport> report;
};

/// What load_state_dict would do, decided before the first byte is written: every rule and text of
/// torch.nn.Module.load_state_dict (torch/nn/modules/module.py, 2.15). Throws StateDictError where PyTorch raises.
LoadPlan PlanLoadStateDict(torch::nn::Module& module, const StateDict& state_dict,
                           const LoadStateDictOptions& options = {});

/// The error text and the key lists of a load, without throwing: for reports and tests.
struct LoadCheck {
  LoadPlan plan;
  std::string error;                        ///< empty where PyTorch would not raise
  std::vector<std::string> error_messages;  ///< the lines of `error` one by one, without the leading tab
};
LoadCheck CheckLoadStateDict(torch::nn::Module& module, const StateDict& state_dict,
                             const LoadStateDictOptions& options = {});

struct IncompatibleKeys {
  std::vector<std::string> missing_keys, unexpected_keys;
};

/// Plan, then copy (or assign). A refused load leaves the module as it was. Aliases inside the module are kept: a
/// parameter that two modules share stays shared (on assign, both get the same tensor).
IncompatibleKeys LoadStateDict(torch::nn::Module& module, const StateDict& state_dict,
                               const LoadStateDictOptions& options = {}, const ReadOptions& read = {});

/// PyTorch's class name for messages: "Linear" for torch::nn::LinearImpl, ModuleInfo::python_class where it is set.
std::string PythonClassName(const torch::nn::Module& module);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_LOAD_STATE_DICT_H_
