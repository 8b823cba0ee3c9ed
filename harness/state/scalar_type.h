#ifndef LOADPATH_HARNESS_STATE_SCALAR_TYPE_H_
#define LOADPATH_HARNESS_STATE_SCALAR_TYPE_H_

#include <c10/core/ScalarType.h>

#include <optional>

#include "loadpath/dtype.h"

namespace loadpath {

/// Returns LibTorch's name for a dtype, or nullopt if this LibTorch does not have it (BComplex32 came with 2.15).
std::optional<at::ScalarType> FindScalarType(Dtype dtype);

/// The same for a dtype that is there. Throws std::invalid_argument, which names the dtype, if it is not;
/// PlanLoadStateDict refuses such a tensor before anyone asks.
at::ScalarType ToScalarType(Dtype dtype);

/// Returns nullopt for a type that checkpoints do not have: quantised and sub-byte integers, bits.
std::optional<Dtype> FromScalarType(at::ScalarType type);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_SCALAR_TYPE_H_
