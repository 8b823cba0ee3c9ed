#ifndef LOADPATH_HARNESS_LOAD_LOAD_PATH_H_
#define LOADPATH_HARNESS_LOAD_LOAD_PATH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/state/apply.h"
#include "harness/state/deferred_init.h"
#include "harness/state/state_dict.h"

namespace loadpath {

/// A load path knows a checkpoint file and a module, never a format or a model by name.
struct LoadRequest {
  std::string file;           ///< where a path opens the file itself (LibTorch's own readers)
  std::string key_path = {};  ///< the state dict's place in it
  std::shared_ptr<const Checkpoint> checkpoint = nullptr;  ///< already open, or nullptr: the path opens `file`
  OpenOptions open = {};                                   ///< how it opens it
  torch::nn::Module& module;
  at::Device device = at::kCPU;       ///< where the module's tensors are to lie afterwards (see OpenDevice)
  DeferredInit* deferred = nullptr;   ///< of the module's construction: a path to another device finishes it
  LoadStateDictOptions options = {};  ///< assign is set by the path
  ReadOptions read = {};
};

struct LoadResult {
  IncompatibleKeys keys;
  std::vector<KeyReport> report;
  std::vector<std::string> warnings;
  ReadReport read;
  std::uint64_t bytes_loaded = 0;  ///< of tensors that are now in the module
  std::uint64_t bytes_copied = 0;
  std::uint64_t tensors_fallen_back = 0;  ///< tensors that this path could not take itself
  std::string fallback;                   ///< to which path and why, in a few words; empty where none
  std::uint64_t bytes_mapped = 0;         ///< of bytes_loaded, those that lie in a mapping of the file
  /// The tensors as they were before the load that now are, or were replaced by, loaded ones: their first values are
  /// no longer wanted (DeferredInit::Loaded).
  std::vector<at::Tensor> loaded;
  struct {
    double open = 0, plan = 0, load = 0, resident = 0;
  } seconds;  ///< resident: touching what was only mapped
};

/// The checkpoints that a path can read.
enum class LoadInput : std::uint8_t {
  kAny,          ///< every checkpoint that the reader opens
  kPlainDict,    ///< a zip archive of a dict without OrderedDict: what torch::pickle_load reads
  kTorchScript,  ///< a TorchScript archive, whose root is the module
};

struct LoadPath {
  std::string_view name;     ///< "copy", "direct", "assign", "mmap", "pickle_load", "jit_load"
  std::string_view summary;  ///< one line: what it does with bytes and memory
  std::string_view limit;    ///< the kind of machine limit it is held against: "pread", "mmap"
  /// Throws CheckpointError, StateDictError, or Skipped where the path cannot take this case at all. The module is
  /// changed only by a load that succeeds: what is written in place, and is not about to be filled anyway, is read and
  /// checked before the first write.
  std::function<LoadResult(const LoadRequest&)> load;
  bool runs_code = false;  ///< a method in the file may be run (TorchScript's __setstate__): for files that are trusted
  LoadInput input = LoadInput::kAny;
  /// The function of LibTorch's that reads the file, for comparison; empty for our own paths. Such a path runs on the
  /// CPU alone, compares no CRC-32 and counts no reads.
  std::string_view libtorch_reader = {};
};

/// This path cannot take this case; what() says why. Listed as skipped, never an error.
class Skipped : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::span<const LoadPath> LoadPaths();
const LoadPath* FindLoadPath(std::string_view name);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_LOAD_PATH_H_
