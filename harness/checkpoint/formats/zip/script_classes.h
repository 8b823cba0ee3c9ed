#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_SCRIPT_CLASSES_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_SCRIPT_CLASSES_H_

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/file_source.h"
#include "harness/base/keyed_hash.h"
#include "harness/checkpoint/formats/zip/directory.h"

namespace loadpath {

/// The attributes of a TorchScript class, as its source text lists them.
struct ScriptClass {
  bool is_module = false;  ///< "class X(Module):"
  bool has_methods = false;
  bool has_parameters = false;               ///< the list __parameters__ is there
  HashSet<std::string> parameters, buffers;  ///< the lists __parameters__ and __buffers__
};

/// The classes of a TorchScript archive, whose sources lie under code/ (torch/csrc/jit/serialization/python_print.cpp).
/// The text is searched for the heads of classes and for two lists. Nothing of it is run.
class ScriptClasses {
 public:
  ScriptClasses(const FileSource& source, const ZipDirectory& directory) : source_(source), directory_(directory) {}

  /// Returns the class `name`: "__torch__.torch.nn.modules.linear.Linear" is defined in
  /// code/__torch__/torch/nn/modules/linear.py. Throws CheckpointError if it is not.
  const ScriptClass& Find(std::string_view name);

 private:
  void Parse(const std::string& module, const ZipRecord& record);

  const FileSource& source_;
  const ZipDirectory& directory_;
  HashSet<std::string> parsed_;  // modules
  HashMap<std::string, ScriptClass> classes_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_SCRIPT_CLASSES_H_
