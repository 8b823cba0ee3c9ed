#ifndef LOADPATH_HARNESS_CHECKPOINT_PICKLE_GLOBALS_H_
#define LOADPATH_HARNESS_CHECKPOINT_PICKLE_GLOBALS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "loadpath/dtype.h"
#include "loadpath/tree.h"

namespace loadpath {

/// The meaning of an allow-listed name to the unpickler.
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

/// A name of PyTorch's weights_only allow-list (torch/_weights_only_unpickler.py, _get_allowed_globals, 2.15).
struct Global {
  std::string_view name;  ///< "torch.FloatStorage"
  GlobalKind kind;
  std::uint8_t itemsize = 0;    ///< dtypes and storage types: bytes of one element, of two or four packed ones
  std::string_view dtype = {};  ///< storage types: the elements' dtype, "torch.float32"
};

std::uint32_t GlobalCount();                  ///< of the allow-list
const Global& GlobalAt(std::uint32_t index);  ///< of the allow-list, or from FindScriptGlobal

/// Returns the index of `module.name`, with Python 2's names mapped, or nullopt if it is not on the list.
std::optional<std::uint32_t> FindGlobal(std::string_view full_name);

/// Returns the index of a further name that TorchScript's pickler writes (torch/csrc/jit/serialization/pickler.cpp,
/// unpickler.cpp): the storage types of all dtypes, and torch.jit._pickle's tags of lists and dicts.
std::optional<std::uint32_t> FindScriptGlobal(std::string_view full_name);

/// Returns true for "torch.strided" and the other layouts.
bool IsLayout(std::string_view name);

/// Returns true for names that no checkpoint needs but attacks do. They are refused even if unknown names become inert
/// objects.
bool IsBlocked(std::string_view module, std::string_view name);

/// Gives module and name their Python 3 spelling (torch._utils.IMPORT_MAPPING, NAME_MAPPING).
void MapPython2Name(std::string& module, std::string& name);

/// Returns the sentence that refuses a name which is not on the list.
std::string ForbiddenText(std::string_view module, std::string_view name);

/// Returns the dense dtype that a dtype or storage type stands for; nullopt for quantised, sub-byte and bits types.
std::optional<Dtype> DenseDtype(const Global& global);

NamedType TypeOf(const Global& global);        ///< of the name itself
NamedType TypeOfObject(const Global& global);  ///< of the inert object that it makes
NamedType TypeOfName(std::string_view name);   ///< of any name as a value, also of a device or a layout

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_PICKLE_GLOBALS_H_
