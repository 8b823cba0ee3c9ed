#ifndef LOADPATH_MODULE_INFO_H_
#define LOADPATH_MODULE_INFO_H_

#include <set>
#include <string>

namespace loadpath {

/// Holds what Python's nn.Module records and load_state_dict needs, but torch::nn::Module has no place for. A module
/// that needs it derives from this and from torch::nn::Module (or Cloneable); other modules need nothing.
struct ModuleInfo {
  virtual ~ModuleInfo() = default;
  std::string python_class;              ///< the class name in messages; empty: the C++ name without "Impl"
  std::set<std::string> non_persistent;  ///< own buffers registered with persistent=False: not in the state dict
  std::set<std::string> none_modules;    ///< children registered as None: keys under them are accepted and ignored
};

}  // namespace loadpath

#endif  // LOADPATH_MODULE_INFO_H_
