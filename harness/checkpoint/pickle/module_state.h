#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_MODULE_STATE_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_MODULE_STATE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "harness/base/file_source.h"
#include "harness/base/keyed_hash.h"
#include "harness/checkpoint/pickle/heap.h"

namespace loadpath {

/// The parts of one module of a pickle: names (text values) with their values, in the module's own order.
struct ModuleParts {
  using Named = std::vector<std::pair<Value, Value>>;
  Named state;                 ///< parameters, then persistent buffers
  Named children;              ///< submodules
  Named others;                ///< further attributes
  std::uint64_t searched = 0;  ///< entries that were looked at to find these
};

/// OrderedDicts with the full names ("layer1.0.weight") as keys.
struct ModuleState {
  Value state, others;
};

/// Walks a module as torch.nn.Module.state_dict does: its own state, then each child's, a shared child at each of its
/// places. Iterative. Throws CheckpointError kBadPickle if a module contains itself, kLimitExceeded if the names would
/// take more than limits::kStateNameBytes, entries that were searched included.
class StateCollector {
 public:
  using PartsOf = std::function<ModuleParts(Value module)>;
  StateCollector(const FileSource& source, Heap& heap, PartsOf parts_of)
      : source_(source), heap_(heap), parts_of_(std::move(parts_of)) {}

  ModuleState Collect(Value module);

 private:
  void Charge(std::uint64_t count);
  void Add(Value dict, const std::string& prefix, const ModuleParts::Named& named);

  const FileSource& source_;
  Heap& heap_;
  PartsOf parts_of_;
  std::uint64_t charged_ = 0;
};

/// The attributes of pickled torch.nn.Modules that make up their state. Searches a dict of attributes once, however
/// many objects share it.
class ModuleAttributes {
 public:
  explicit ModuleAttributes(const Heap& heap) : heap_(heap) {}

  /// Returns true for an inert object with the attributes _parameters, _buffers and _modules, which are dicts.
  bool IsModule(Value value);
  ModuleParts PartsOf(Value module);
  std::uint64_t searched() const { return searched_; }  ///< entries of dicts of attributes

 private:
  enum Name : std::uint8_t { kParameters, kBuffers, kModules, kTransient, kCount };
  using Found = std::array<Value, kCount>;  // None if there is none
  const Found& Of(Value object);

  const Heap& heap_;
  const Found none_{};
  HashMap<std::uint64_t, Found> found_;  // by the dict of attributes
  std::uint64_t searched_ = 0;
};

/// Replaces every pickled torch.nn.Module that `root` reaches, except submodules, by the state dict that its
/// state_dict() would give. Returns the new root. The dict's attributes hold the name of the module's class under
/// "class". There is no `_metadata`, because the versions stand in the classes, which the file does not hold.
Value CollectModules(const FileSource& source, Heap& heap, Value root);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_MODULE_STATE_H_
