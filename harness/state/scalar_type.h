#ifndef LOADPATH_HARNESS_STATE_SCALAR_TYPE_H_
#define LOADPATH_HARNESS_STATE_SCALAR_TYPE_H_

#include <c10/core/ScalarType.h>

#include <optional>

#include "harness/checkpoint/dtype.h"

namespace loadpath {

at::ScalarType ToScalarType(Dtype dtype);
/// nullopt for a dtype that checkpoints do not have (quantised and sub-byte integers, bits).
std::optional<Dtype> FromScalarType(at::ScalarType type);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_SCALAR_TYPE_H_
