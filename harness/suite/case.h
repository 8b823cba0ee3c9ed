#ifndef LOADPATH_HARNESS_SUITE_CASE_H_
#define LOADPATH_HARNESS_SUITE_CASE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/results/names.h"

namespace loadpath {

/// A checkpoint of the user's own: --checkpoint FILE[::key.path].
struct UserCheckpoint {
  std::string file, key;
  bool opaque = false;  ///< OpenOptions::opaque
  bool oracle = false;  ///< Python says what the file holds: --oracle python
  bool operator==(const UserCheckpoint&) const = default;
};

/// One thing to measure: a point of the product of checkpoints, models, load paths, devices and states of the page
/// cache. These fields identify it; its name is for people. Fields that do not apply are empty.
struct Case {
  CaseKind kind = CaseKind::kLoad;
  std::string model = {};   ///< "gpt2", or "multi:A+B" for several models in one file
  std::string format = {};  ///< "zip"; "file" for a checkpoint of the user's own
  std::string layout = {};  ///< "nested", "multi:once"
  std::string path = {};    ///< the load path; of a forward pass, the way to its outputs; of a limit, which one
  std::optional<DeviceName> device = {};
  std::optional<CacheState> cache = {};
  std::optional<MemoryState> memory = {};
  int batch = 0, threads = 0;

  /// What the fields above stand for.
  std::vector<std::string> models = {};  ///< the models whose state dicts are loaded from one file, in this order
  std::string file_layout = {};          ///< the layout of that file: "multi" for "multi:once"
  bool opened_once = false;              ///< the file is opened once for all models, not once for each
  std::optional<UserCheckpoint> checkpoint = {};

  bool operator==(const Case&) const = default;
  /// "load/gpt2/zip/nested/direct/cpu/hot" (with "/returned" behind it for that memory),
  /// "forward/resnet50/cpu/batch:1/module", "limit/pread/threads:2".
  std::string name() const { return group() + "/" + label(); }
  std::string group() const;  ///< the part that cases of one table section share: "load/gpt2/zip/nested"
  std::string label() const;  ///< the rest: "direct/cpu/hot"
};

/// All fields as one line of JSON, for another process, and back. Throws UsageError for any other text.
std::string CaseToJson(const Case& one);
Case CaseFromJson(std::string_view text);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_SUITE_CASE_H_
