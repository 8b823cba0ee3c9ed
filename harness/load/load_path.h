#ifndef LOADPATH_HARNESS_LOAD_LOAD_PATH_H_
#define LOADPATH_HARNESS_LOAD_LOAD_PATH_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/state/apply.h"
#include "loadpath/deferred_init.h"
#include "loadpath/state_dict.h"

namespace loadpath {

/// A load path knows a checkpoint file and a module, never a format or a model by name.
struct LoadRequest {
  std::string file;                                        ///< the checkpoint, if it is not open yet
  std::string key_path = {};                               ///< the state dict's place in it
  std::shared_ptr<const Checkpoint> checkpoint = nullptr;  ///< already open, or nullptr: the path opens `file`
  OpenOptions open = {};                                   ///< how it opens it
  KeyRules rules = {};                                     ///< for the keys of the state dict
  torch::nn::Module& module;
  at::Device device = at::kCPU;       ///< where the module's tensors are to lie afterwards (see OpenDevice)
  bool file_stays = true;             ///< see LoadOptions
  LoadStateDictOptions options = {};  ///< the path sets `assign` itself
  ReadOptions read = {};
};

struct LoadResult {
  IncompatibleKeys keys;
  std::vector<std::string> mismatched;  ///< see LoadPlan
  std::vector<KeyReport> report;
  std::vector<std::string> warnings;
  std::uint64_t bytes_loaded = 0;  ///< of the tensors that were loaded, as the file holds them
  std::uint64_t bytes_mapped = 0;  ///< of bytes_loaded, those that lie in a mapping of the file
  /// Exact costs. nullopt if LibTorch's own reader did the work, which does not count.
  std::optional<std::uint64_t> bytes_read = 0, read_calls = 0;
  std::optional<std::uint64_t> bytes_copied = 0;  ///< from memory to memory, by the reader too
  std::vector<CrcStatus> crc;                     ///< of each record that was read
  /// The algorithm that ran: the path's own name, or "staged" on a device other than the CPU, where copy, direct,
  /// assign and mmap are the same: the file is read into pinned memory and copied from there. What `auto` chose:
  /// "mmap", "direct", or "mmap and direct".
  std::string_view ran;
  std::string choice;                     ///< of `auto`: what it chose and why
  std::uint64_t tensors_fallen_back = 0;  ///< tensors that this path could not take itself
  std::string fallback;                   ///< to which path and why, in a few words; empty if no tensor did
  /// The tensors of the module that this load filled, or replaced the memory of, as the module has them. Their recorded
  /// fills are forgotten already.
  std::vector<at::Tensor> loaded;
  struct {
    double open = 0, plan = 0, load = 0, resident = 0;
  } seconds;  ///< resident: touching bytes that were only mapped
};

/// The checkpoints that a path can read.
enum class LoadInput : std::uint8_t {
  kAny,          ///< every checkpoint that the reader opens
  kPlainDict,    ///< a zip archive of a dict without OrderedDict: what torch::pickle_load reads
  kTorchScript,  ///< a TorchScript archive, whose root is the module
};

struct LoadPath {
  std::string_view name;     ///< "copy", "direct", …: the name of the file that defines it, too
  std::string_view summary;  ///< one line: what it does with bytes and memory
  std::string_view limit;    ///< the kind of machine limit it is held against: "pread-fresh", "mmap"
  /// Throws CheckpointError, StateDictError, or Skipped if the path cannot take this case at all. The module is
  /// changed only by a load that succeeds: bytes for tensors that are written in place, and that no recorded fill will
  /// restore, are read and checked before the first write.
  LoadResult (*load)(const LoadRequest&);

  LoadInput input = LoadInput::kAny;
  /// The function of LibTorch's that reads the file, for comparison; empty for our own paths. Such a path runs on the
  /// CPU alone, compares no CRC-32 and counts no reads.
  std::string_view libtorch_reader = {};
  bool runs_code = false;     ///< may run a method in the file (TorchScript's __setstate__): for trusted files
  bool keeps_dtypes = false;  ///< gives the module's tensors the dtypes and strides that they have in the file
};

/// This path cannot take this case; what() says why. It is listed as skipped, never as an error.
class Skipped : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Returns all paths, in the order of load_paths.inc.
std::span<const LoadPath> LoadPaths();
/// Returns nullptr if there is no such path.
const LoadPath* FindLoadPath(std::string_view name);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_LOAD_PATH_H_
