#ifndef LOADPATH_LOAD_H_
#define LOADPATH_LOAD_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "loadpath/checkpoint.h"
#include "loadpath/deferred_init.h"
#include "loadpath/device.h"
#include "loadpath/key_rules.h"
#include "loadpath/load_state_dict.h"
#include "loadpath/module_info.h"
#include "loadpath/tensor_at.h"

namespace loadpath {

/// A checkpoint that is open, or the path of one.
class CheckpointSource {
 public:
  // NOLINTBEGIN(google-explicit-constructor): a path stands where a checkpoint may
  CheckpointSource(const char* path) : path_(path) {}
  CheckpointSource(std::string path) : path_(std::move(path)) {}
  CheckpointSource(const std::filesystem::path& path) : path_(path.string()) {}
  CheckpointSource(std::shared_ptr<const Checkpoint> checkpoint) : checkpoint_(std::move(checkpoint)) {}
  // NOLINTEND(google-explicit-constructor)

  /// Returns an open one: this, or the checkpoint of this path. Throws CheckpointError.
  CheckpointSource Opened(const OpenOptions& options) const;
  /// Returns nullptr if it is not open.
  const std::shared_ptr<const Checkpoint>& checkpoint() const { return checkpoint_; }
  /// Returns the seconds that Opened took to open it; nullopt if somebody else had opened it.
  std::optional<double> seconds() const { return seconds_; }

 private:
  std::string path_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::optional<double> seconds_;
};

struct LoadOptions {
  std::string key{};  ///< the key path of the state dict in the checkpoint: "model", "a.b.c"; empty: the whole file
  // The rules for its keys: see KeyRules.
  std::vector<std::string> prefixes{};
  std::vector<KeyRename> rename{};
  std::string only{}, skip{};
  /// A key that is missing or unexpected is an error, as in PyTorch: of what `only` and `skip` leave.
  bool strict = true;
  bool skip_mismatched = false;  ///< see LoadStateDictOptions
  bool opaque = false;           ///< see OpenOptions; a checkpoint that is open was opened already
  /// The load path: "auto", or the name of one ("direct", "copy", "assign", "mmap"). "auto" reads as "direct" does, or
  /// maps what is faster mapped if `file_stays`. "assign" and "mmap" give the module the file's dtypes and strides.
  std::string via = "auto";
  /// Promises that nobody changes the file in place as long as the module lives; renaming another over it is harmless.
  /// Then "auto" may map it into tensors that only recorded fills have touched (see DeferredInit), as Load has them.
  /// Whoever saves to the path that he loaded from must not promise it: cutting the file takes the weights away, and
  /// the next access is SIGBUS. Of mapped storages no checksum is compared, but with CrcMode::kOn nothing is mapped.
  bool file_stays = false;
  std::string device = "cpu";  ///< "cpu", "cuda" or "cuda:1": where the module lies afterwards (see OpenDevice)
  /// A function of the bytes done and in total. Each load counts from 0. The load is cancelled if it returns false.
  Progress progress{};
  CrcMode crc = CrcMode::kAuto;
  int threads = 0;  ///< that read: 0 is one per core that this process may use
};

/// What a load did.
struct LoadReport {
  std::string file, key, format;
  std::string path;             ///< the load path that ran: "direct", "staged" (onto a device other than the CPU)
  std::string choice;           ///< what "auto" chose and why, in words
  std::string device;           ///< "cpu", "cuda:0"
  std::vector<KeyReport> keys;  ///< every key of the module and of the state dict, and what happened to it
  std::vector<std::string> missing_keys, unexpected_keys;
  std::vector<std::string> mismatched;  ///< PyTorch's sentence for each tensor that skip_mismatched left as it was
  std::vector<std::string> warnings;    ///< of PyTorch, of the file, of a rename rule that changed nothing
  std::uint64_t bytes = 0;              ///< of the tensors that were loaded, as the file holds them
  std::uint64_t bytes_mapped = 0;       ///< of these, the bytes that lie in a mapping of the file
  /// Exact costs; nullopt if LibTorch's own reader did the work. Copied: from memory to memory.
  std::optional<std::uint64_t> bytes_read, read_calls, bytes_copied;
  std::uint64_t tensors_fallen_back = 0;  ///< tensors that the path could not take itself
  std::string fallback;                   ///< by what they were loaded and why: "copy: 2 of another dtype"
  /// What became of the checksums of the storages that were read. Mapped storages are read only with CrcMode::kOn.
  struct {
    std::uint64_t checked = 0, not_written = 0, off = 0, partial = 0;
  } crc;
  /// initialise: filling what the file does not fill. resident: touching bytes that were only mapped.
  struct {
    double construct = 0, open = 0, plan = 0, load = 0, resident = 0, initialise = 0;
  } seconds;

  /// Returns the report as lines for a log.
  std::string Text() const;
};

/// Loads a state dict into a module that is there. Throws CheckpointError or StateDictError (PyTorch's text), and
/// DeviceError or std::invalid_argument for a device or a load path that is not there; the module is then as it was.
LoadReport LoadInto(torch::nn::Module& module, const CheckpointSource& checkpoint, const LoadOptions& options = {});

/// A module and how it was loaded: auto [net, report] = Load(…).
template <class Net>
struct LoadedModule {
  Net module;
  LoadReport report;
};

namespace detail {

/// Throws std::invalid_argument.
[[noreturn]] void FailWithoutModule();

inline torch::nn::Module& ModuleOf(torch::nn::Module& module) { return module; }
template <class Net>
torch::nn::Module& ModuleOf(const std::shared_ptr<Net>& module) {
  if (module == nullptr) FailWithoutModule();
  return *module;
}
template <class Net, class Deleter>
torch::nn::Module& ModuleOf(const std::unique_ptr<Net, Deleter>& module) {
  if (module == nullptr) FailWithoutModule();
  return *module;
}
template <class Net>
torch::nn::Module& ModuleOf(const torch::nn::ModuleHolder<Net>& module) {
  if (module.is_empty()) FailWithoutModule();
  return *module.ptr();
}

template <class Made>
inline constexpr bool kIsPointer = std::is_pointer_v<std::remove_reference_t<Made>>;
// A copy would share the tensors of the module: whoever returns a reference wants that module loaded.
template <class Made>
inline constexpr bool kIsModuleReference =
    std::conjunction_v<std::is_reference<Made>, std::is_base_of<torch::nn::Module, std::remove_cvref_t<Made>>>;

}  // namespace detail

/// Returns make() with the state dict loaded into it. `make` returns a module by value, a holder (TORCH_MODULE), a
/// shared_ptr or a unique_ptr. It runs without initialisation (see DeferredInit): what the checkpoint fills is not
/// filled twice, and what it does not fill has its proper first value. Nothing sees what `make` writes by data_ptr() or
/// an accessor into a tensor that it filled or zeroed before: the fill comes later. Load such a module by
/// LoadInto(*make(), …). Throws what `make` throws, what LoadInto throws,
/// and std::invalid_argument if `make` returns a null pointer or an empty holder.
template <class Make>
LoadedModule<std::decay_t<std::invoke_result_t<Make&>>> Load(Make&& make, const CheckpointSource& checkpoint,
                                                             const LoadOptions& options = {}) {
  using Made = std::invoke_result_t<Make&>;
  static_assert(!detail::kIsPointer<Made>,
                "make returns a raw pointer, which nobody would delete: return a std::unique_ptr or std::shared_ptr");
  static_assert(!detail::kIsModuleReference<Made>,
                "make returns a reference to a module: return it by value or by pointer, or call LoadInto");
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  // A file that cannot be opened is told before anything is constructed.
  const CheckpointSource opened = checkpoint.Opened({.opaque = options.opaque});
  DeferredInit deferred;  // ends after the module: if that is gone, nothing is initialised
  const auto constructing = Clock::now();
  LoadedModule<std::decay_t<Made>> loaded{deferred.Construct(make), {}};
  const double construct = since(constructing);
  loaded.report = LoadInto(detail::ModuleOf(loaded.module), opened, options);
  const auto finishing = Clock::now();
  deferred.Finish();
  loaded.report.seconds.construct = construct;
  loaded.report.seconds.initialise = since(finishing);
  return loaded;
}

}  // namespace loadpath

#endif  // LOADPATH_LOAD_H_
