#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_MODULE_STATE_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_MODULE_STATE_H_

#include <functional>
#include <utility>
#include <vector>

#include "harness/base/file_source.h"
#include "harness/checkpoint/pickle/heap.h"

namespace loadpath {

/// The parts of one module of a pickle: names (text values) with their values, in the module's own order.
struct ModuleParts {
  using Named = std::vector<std::pair<Value, Value>>;
  Named state;     ///< parameters, then persistent buffers
  Named children;  ///< submodules
  Named others;    ///< further attributes
};

/// OrderedDicts with the full names ("layer1.0.weight") as keys.
struct ModuleState {
  Value state, others;
};

/// Walks a module as torch.nn.Module.state_dict does: its own state, then each child's, a shared child at each of its
/// places. Iterative. Throws CheckpointError kBadPickle if a module contains itself, kLimitExceeded if the names would
/// take more than limits::kStateNameBytes.
class StateCollector {
 public:
  using PartsOf = std::function<ModuleParts(Value module)>;
  StateCollector(const FileSource& source, Heap& heap, PartsOf parts_of)
      : source_(source), heap_(heap), parts_of_(std::move(parts_of)) {}

  ModuleState Collect(Value module);

 private:
  void Add(Value dict, const std::string& prefix, const ModuleParts::Named& named);

  const FileSource& source_;
  Heap& heap_;
  PartsOf parts_of_;
  std::uint64_t name_bytes_ = 0;
};

/// Returns true for an inert object with the attributes of a torch.nn.Module: _parameters, _buffers and _modules.
bool IsPickledModule(const Heap& heap, Value value);

/// Replaces every pickled torch.nn.Module that `root` reaches, except submodules, by the state dict that its
/// state_dict() would give. Returns the new root. The dict's attributes hold the name of the module's class under
/// "class". There is no `_metadata`, because the versions stand in the classes, which the file does not hold.
Value CollectModules(const FileSource& source, Heap& heap, Value root);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_MODULE_STATE_H_
