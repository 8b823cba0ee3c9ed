#ifndef LOADPATH_HARNESS_GOLDEN_MANIFEST_H_
#define LOADPATH_HARNESS_GOLDEN_MANIFEST_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "loadpath/key_rules.h"

namespace loadpath {

/// The manifest of the reference data, manifest.json beside the files, as scripts/generate_checkpoints.py writes it:
///
/// {"schema": 1, "versions": {"torch": "2.15.0", …},
///  "files": {"linear_model.pth": {"format": "zip", "layout": "nested", "size": 1, "sha256": "…", "made": "how",
///                                 "models": [{"model": "linear", "key": "model_state_dict"}],
///                                 "plain_dict": "linear_model.dict.pth",             (absent if there is none)
///                                 "prefixes": ["module."], "rename": [["^net", "body"]], "only": "", "skip": "",
///                                 "loaded": ["body.weight"]}},
///                                                                                    (of the layout "own")
///  "models": {"linear": {"class": "LinearModel", "python": "where it comes from", "weights": "seed 0 | published …",
///                        "rtol": 1.3e-6, "atol": 1e-5, "why": "…",
///                        "tensors": {"linear.weight": {"dtype": "float32", "shape": [2, 10], "sha256": "…"}},
///                        "goldens": {"1": "linear.golden.1.safetensors"}}},
///  "programs": {"custom.aoti.pt2": {"model": "custom", "size": 1, "sha256": "…", "made": "how"}},   (absent if there
///                                                                                                    are none)
///  "not_made": {"mynet.torchscript.bare.pt": {"model": "mynet", "format": "torchscript", "layout": "bare",
///                                             "reason": "…"}}}                                            (likewise)
///
/// A file may be a folder (sharded and distributed checkpoints). Its size is then the sum over the files in it, and its
/// sha256 that of the lines "SHA-256  path inside the folder\n" of those files, ordered by path (as sha256sum prints
/// them). Golden files hold inputs "input.0", … and outputs "output.0", …. The sha256 of a tensor is that of `ckpt
/// inspect --digest`. "tensors" are in the order of Python's state_dict. "plain_dict" names a file of the same content
/// without OrderedDict, for torch::pickle_load. A file of the layout "own" is the user's own, copied as it is, with the
/// rules for its keys (KeyRules). "not_made" says why PyTorch cannot make a file of a model. Other fields, such as the
/// generator's "stamp", are ignored.
struct ManifestTensor {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string sha256;
};
struct ManifestModel {
  double rtol = 0, atol = 0;
  std::string why;
  std::map<std::string, ManifestTensor> tensors;
  std::map<std::int64_t, std::string> goldens;  ///< batch size -> file name
};
struct ManifestFile {
  std::string name, format, layout, plain_dict;
  std::uint64_t size = 0;
  std::string sha256;
  std::vector<std::pair<std::string, std::string>> models;  ///< name of the model, key path of its state dict
  KeyRules rules;
  std::vector<std::string> loaded;  ///< of the layout "own": the names in the module that Python loaded from it
};
/// A file that PyTorch cannot make of the model.
struct ManifestNotMade {
  std::string model, format, layout, reason;
};
/// A model compiled by AOTInductor: machine code with the weights in it.
struct ManifestProgram {
  std::string name, model;
};

/// The layout of a file of the user's own.
inline constexpr std::string_view kOwnLayout = "own";

class Manifest {
 public:
  /// Reads DIR/manifest.json. Throws std::runtime_error with one line that names the file and what is wrong.
  static Manifest Read(const std::string& directory);

  const std::string& directory() const { return directory_; }
  const std::vector<ManifestFile>& files() const { return files_; }
  const std::vector<ManifestNotMade>& not_made() const { return not_made_; }
  /// Returns nullptr if there is none, as the functions below do.
  const ManifestFile* FindFile(std::string_view model, std::string_view format, std::string_view layout) const;
  const ManifestNotMade* FindNotMade(std::string_view model, std::string_view format, std::string_view layout) const;
  const ManifestModel* FindModel(std::string_view model) const;
  const ManifestProgram* FindProgram(std::string_view model) const;
  std::string PathOf(std::string_view name) const { return directory_ + "/" + std::string(name); }

 private:
  std::string directory_;
  std::vector<ManifestFile> files_;
  std::map<std::string, ManifestModel, std::less<>> models_;
  std::vector<ManifestProgram> programs_;
  std::vector<ManifestNotMade> not_made_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_GOLDEN_MANIFEST_H_
