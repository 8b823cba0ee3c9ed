#ifndef LOADPATH_HARNESS_CHECKPOINT_TYPE_NAMES_H_
#define LOADPATH_HARNESS_CHECKPOINT_TYPE_NAMES_H_

#include "loadpath/tree.h"

namespace loadpath {

inline constexpr const char* kParameterType = "<class 'torch.nn.parameter.Parameter'>";

/// Returns Python's repr(type(value)) for a value of this kind. The type of kName and kObject depends on more:
/// "object".
inline const char* TypeName(NodeKind kind) {
  switch (kind) {
    case NodeKind::kNone:
      return "<class 'NoneType'>";
    case NodeKind::kBool:
      return "<class 'bool'>";
    case NodeKind::kInt:
    case NodeKind::kBigInt:
      return "<class 'int'>";
    case NodeKind::kFloat:
      return "<class 'float'>";
    case NodeKind::kComplex:
      return "<class 'complex'>";
    case NodeKind::kString:
      return "<class 'str'>";
    case NodeKind::kBytes:
      return "<class 'bytes'>";
    case NodeKind::kByteArray:
      return "<class 'bytearray'>";
    case NodeKind::kList:
      return "<class 'list'>";
    case NodeKind::kTuple:
      return "<class 'tuple'>";
    case NodeKind::kSize:
      return "<class 'torch.Size'>";
    case NodeKind::kSet:
      return "<class 'set'>";
    case NodeKind::kFrozenSet:
      return "<class 'frozenset'>";
    case NodeKind::kDict:
      return "<class 'dict'>";
    case NodeKind::kOrderedDict:
      return "<class 'collections.OrderedDict'>";
    case NodeKind::kCounter:
      return "<class 'collections.Counter'>";
    case NodeKind::kTensor:
      return "<class 'torch.Tensor'>";
    case NodeKind::kStorage:
      return "<class 'torch.storage.TypedStorage'>";
    case NodeKind::kName:
    case NodeKind::kObject:
      break;
  }
  return "<class 'object'>";
}

/// Returns Python's repr(type(value)) for a named value; of kItself, "object".
inline const char* TypeName(NamedType type) {
  switch (type) {
    case NamedType::kItself:
      break;
    case NamedType::kTensor:
      return "<class 'torch.Tensor'>";
    case NamedType::kClass:
      return "<class 'type'>";
    case NamedType::kFunction:
      return "<class 'function'>";
    case NamedType::kBuiltinFunction:
      return "<class 'builtin_function_or_method'>";
    case NamedType::kDtype:
      return "<class 'torch.dtype'>";
    case NamedType::kQscheme:
      return "<class 'torch.qscheme'>";
    case NamedType::kDevice:
      return "<class 'torch.device'>";
    case NamedType::kLayout:
      return "<class 'torch.layout'>";
    case NamedType::kStorageType:
      return "<class 'torch.serialization.StorageType'>";
    case NamedType::kTensorMeta:
      return "<class 'torch._C._TensorMeta'>";
    case NamedType::kTensorType:
      return "<class 'torch.tensortype'>";
  }
  return "<class 'object'>";
}

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_TYPE_NAMES_H_
