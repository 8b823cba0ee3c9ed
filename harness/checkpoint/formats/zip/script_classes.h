#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_SCRIPT_CLASSES_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_SCRIPT_CLASSES_H_

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "harness/base/file_source.h"
#include "harness/checkpoint/formats/zip/directory.h"

namespace loadpath {

/// What the source text of a TorchScript class says about its attributes.
struct ScriptClass {
  bool is_module = false;  ///< "class X(Module):"
  bool has_methods = false;
  bool has_parameters = false;                          ///< the list __parameters__ is there
  std::unordered_set<std::string> parameters, buffers;  ///< the lists __parameters__ and __buffers__
};

/// The classes of a TorchScript archive, whose sources lie under code/ (torch/csrc/jit/serialization/python_print.cpp).
/// The text is searched for the heads of classes and two lists; nothing of it is run.
class ScriptClasses {
 public:
  ScriptClasses(const Source& source, const ZipDirectory& directory) : source_(source), directory_(directory) {}

  /// `name`: "__torch__.torch.nn.modules.linear.Linear", which code/__torch__/torch/nn/modules/linear.py defines.
  /// Throws CheckpointError where it does not.
  const ScriptClass& Find(std::string_view name);

 private:
  void Parse(const std::string& module, const ZipRecord& record);

  const Source& source_;
  const ZipDirectory& directory_;
  std::unordered_set<std::string> parsed_;  // modules
  std::unordered_map<std::string, ScriptClass> classes_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_SCRIPT_CLASSES_H_
