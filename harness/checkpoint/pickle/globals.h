#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_GLOBALS_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_GLOBALS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/checkpoint/dtype.h"

namespace loadpath {

/// What an allow-listed name is to the unpickler.
enum class GlobalKind : std::uint8_t {
  // called by REDUCE or NEWOBJ
  kOrderedDict,
  kCounter,
  kSet,
  kByteArray,
  kComplex,
  kEncode,
  kSize,
  kDevice,
  kGetLayout,
  kParameterClass,
  kTensorClass,
  kRebuildTensor,
  kRebuildTensorV2,
  kRebuildTensorV3,
  kRebuildParameter,
  kRebuildParameterWithState,
  kRebuildFromTypeV2,
  kRebuildDeviceTensorFromCpuTensor,
  kFirstArgument,  ///< gives its first argument back: torch.jit._pickle's tags
  kRebuildInert,   ///< makes a kObject: sparse, quantised, meta, wrapper and numpy tensors
  // values
  kDtype,
  kStorageType,
  kUntypedStorage,
  kTypedStorage,
  kQscheme,
};

/// One name of PyTorch's weights_only allow-list (torch/_weights_only_unpickler.py, _get_allowed_globals, 2.15).
struct Global {
  std::string_view name;  ///< "torch.FloatStorage"
  GlobalKind kind;
  std::uint8_t itemsize = 0;    ///< dtypes and storage types: bytes of one element, of two or four packed ones
  std::string_view dtype = {};  ///< storage types: the elements' dtype, "torch.float32"
};

std::uint32_t GlobalCount();                  ///< of the allow-list
const Global& GlobalAt(std::uint32_t index);  ///< of the allow-list, or what FindScriptGlobal gave

/// The index of `module.name` once Python 2's names are mapped, or nullopt where it is not on the list.
std::optional<std::uint32_t> FindGlobal(std::string_view full_name);

/// Names that TorchScript's pickler writes besides (torch/csrc/jit/serialization/pickler.cpp, unpickler.cpp): the
/// storage types of all dtypes, and torch.jit._pickle's tags of lists and dicts. Indices for GlobalAt.
std::optional<std::uint32_t> FindScriptGlobal(std::string_view full_name);

/// True for "torch.strided" and the other layouts.
bool IsLayout(std::string_view name);

/// True for names that no checkpoint needs and attacks do: they are refused even where unknown names become inert
/// objects.
bool IsBlocked(std::string_view module, std::string_view name);

/// The module's and the name's Python 3 spelling (torch._utils.IMPORT_MAPPING, NAME_MAPPING).
void MapPython2Name(std::string& module, std::string& name);

/// PyTorch's sentence for a name that is not on the list.
std::string ForbiddenText(std::string_view module, std::string_view name);

/// The dense dtype that a dtype or storage type stands for; nullopt for quantised, sub-byte and bits types.
std::optional<Dtype> DenseDtype(const Global& global);

std::string GlobalTypeText(const Global& global);  ///< repr(type(it)): "<class 'torch.dtype'>"
std::string ObjectTypeText(const Global& global);  ///< repr(type(what it makes)), for inert objects

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_GLOBALS_H_
