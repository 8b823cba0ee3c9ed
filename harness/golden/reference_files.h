#ifndef LOADPATH_HARNESS_GOLDEN_REFERENCE_FILES_H_
#define LOADPATH_HARNESS_GOLDEN_REFERENCE_FILES_H_

#include <span>
#include <string_view>
#include <vector>

namespace loadpath {

// Which reference files exist, without a look at the files. The table is reference_files.json, which the build puts
// into the library and the generator (scripts/loadpath/reference) reads:
//
// {"formats": [{"name": "zip", "ending": ".pth",        a folder has no ending
//               "layouts": ["bare", …],                 those that the format exists in
//               "plain_dict": ["bare", …]}],            those that exist without OrderedDict too
//  "layouts": {"nested": "model_state_dict"},           the layouts of one model, with the key path of its state dict
//  "shared": [{"name": "multi:A+B", "layout": "multi",  a file of several models; it stands for them in names of cases
//              "openings": ["once", "twice"],           a load opens it once for all of its models, or once for each
//              "models": {"multi:A": "modelA_state_dict"}}],  its models, each with its key path
//  "originals": {"linear_model.pth": {…}},              the files that have names of their own
//  "programs": ["custom"]}                              the models that AOTInductor compiles

/// A format and a layout that the generator makes of a model.
struct FormatAndLayout {
  std::string_view format;  ///< "zip", "legacy", "safetensors", "sharded", …
  std::string_view layout;  ///< "bare", "nested", "deep", "full", "multi"
};

/// A file that holds the state dicts of several models.
struct SharedFile {
  std::string_view name;                   ///< "multi:A+B"
  std::string_view layout;                 ///< "multi": the only layout of its models
  std::vector<std::string_view> models;    ///< "multi:A", "multi:B"
  std::vector<std::string_view> openings;  ///< "once", "twice": a case's layout is "multi:once"
};

/// Returns the formats and layouts that a model's checkpoints exist in. `model` may be the name of a shared file.
std::span<const FormatAndLayout> ReferenceFiles(std::string_view model);

/// Returns the models that AOTInductor compiles to machine code.
std::span<const std::string_view> ReferencePrograms();

/// Returns the files that hold several models.
std::span<const SharedFile> SharedFiles();

/// Returns the shared file that is called `name` or holds a model called `name`, or nullptr if there is none.
const SharedFile* FindSharedFile(std::string_view name);

/// Returns the models that a case's model name stands for: those of the shared file "multi:A+B", or the name itself.
std::vector<std::string_view> ModelsOf(std::string_view name);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_GOLDEN_REFERENCE_FILES_H_
