#include "harness/state/scalar_type.h"

#include <utility>

namespace loadpath {
namespace {

using Pair = std::pair<Dtype, at::ScalarType>;

// In the order of Dtype: ToScalarType indexes it.
constexpr Pair kPairs[] = {
    {Dtype::kBool, at::ScalarType::Bool},
    {Dtype::kUint8, at::ScalarType::Byte},
    {Dtype::kInt8, at::ScalarType::Char},
    {Dtype::kInt16, at::ScalarType::Short},
    {Dtype::kInt32, at::ScalarType::Int},
    {Dtype::kInt64, at::ScalarType::Long},
    {Dtype::kUint16, at::ScalarType::UInt16},
    {Dtype::kUint32, at::ScalarType::UInt32},
    {Dtype::kUint64, at::ScalarType::UInt64},
    {Dtype::kFloat16, at::ScalarType::Half},
    {Dtype::kBfloat16, at::ScalarType::BFloat16},
    {Dtype::kFloat32, at::ScalarType::Float},
    {Dtype::kFloat64, at::ScalarType::Double},
    {Dtype::kComplex32, at::ScalarType::ComplexHalf},
    {Dtype::kComplex64, at::ScalarType::ComplexFloat},
    {Dtype::kComplex128, at::ScalarType::ComplexDouble},
    {Dtype::kFloat8E4m3fn, at::ScalarType::Float8_e4m3fn},
    {Dtype::kFloat8E4m3fnuz, at::ScalarType::Float8_e4m3fnuz},
    {Dtype::kFloat8E5m2, at::ScalarType::Float8_e5m2},
    {Dtype::kFloat8E5m2fnuz, at::ScalarType::Float8_e5m2fnuz},
    {Dtype::kFloat8E8m0fnu, at::ScalarType::Float8_e8m0fnu},
    {Dtype::kFloat4E2m1fnX2, at::ScalarType::Float4_e2m1fn_x2},
};

constexpr bool InEnumOrder() {
  for (std::size_t i = 0; i < std::size(kPairs); ++i) {
    if (static_cast<std::size_t>(kPairs[i].first) != i) return false;
  }
  return static_cast<std::size_t>(Dtype::kFloat4E2m1fnX2) + 1 == std::size(kPairs);
}
static_assert(InEnumOrder());

}  // namespace

at::ScalarType ToScalarType(Dtype dtype) { return kPairs[static_cast<std::size_t>(dtype)].second; }

std::optional<Dtype> FromScalarType(at::ScalarType type) {
  for (const auto& [dtype, scalar_type] : kPairs) {
    if (scalar_type == type) return dtype;
  }
  return std::nullopt;
}

}  // namespace loadpath
