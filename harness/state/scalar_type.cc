#include "harness/state/scalar_type.h"

#include <array>
#include <stdexcept>
#include <string>

namespace loadpath {
namespace {

// A dependent name, so that a LibTorch without the enumerator compiles too.
template <class Type>
constexpr std::optional<Type> BComplex32() {
  if constexpr (requires { Type::BComplex32; }) {
    return Type::BComplex32;
  } else {
    return std::nullopt;
  }
}

struct Row {
  Dtype dtype;
  std::optional<at::ScalarType> type;
};

// In the order of the enum: FindScalarType indexes it.
constexpr std::array kRows = {
    Row{Dtype::kBool, at::ScalarType::Bool},
    Row{Dtype::kUint8, at::ScalarType::Byte},
    Row{Dtype::kInt8, at::ScalarType::Char},
    Row{Dtype::kInt16, at::ScalarType::Short},
    Row{Dtype::kInt32, at::ScalarType::Int},
    Row{Dtype::kInt64, at::ScalarType::Long},
    Row{Dtype::kUint16, at::ScalarType::UInt16},
    Row{Dtype::kUint32, at::ScalarType::UInt32},
    Row{Dtype::kUint64, at::ScalarType::UInt64},
    Row{Dtype::kFloat16, at::ScalarType::Half},
    Row{Dtype::kBfloat16, at::ScalarType::BFloat16},
    Row{Dtype::kFloat32, at::ScalarType::Float},
    Row{Dtype::kFloat64, at::ScalarType::Double},
    Row{Dtype::kComplex32, at::ScalarType::ComplexHalf},
    Row{Dtype::kComplex64, at::ScalarType::ComplexFloat},
    Row{Dtype::kComplex128, at::ScalarType::ComplexDouble},
    Row{Dtype::kFloat8E4m3fn, at::ScalarType::Float8_e4m3fn},
    Row{Dtype::kFloat8E4m3fnuz, at::ScalarType::Float8_e4m3fnuz},
    Row{Dtype::kFloat8E5m2, at::ScalarType::Float8_e5m2},
    Row{Dtype::kFloat8E5m2fnuz, at::ScalarType::Float8_e5m2fnuz},
    Row{Dtype::kFloat8E8m0fnu, at::ScalarType::Float8_e8m0fnu},
    Row{Dtype::kFloat4E2m1fnX2, at::ScalarType::Float4_e2m1fn_x2},
    Row{Dtype::kBcomplex32, BComplex32<at::ScalarType>()},
};

constexpr bool InEnumOrder() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].dtype) != i) return false;
  }
  return true;
}
static_assert(InEnumOrder());

}  // namespace

std::optional<at::ScalarType> FindScalarType(Dtype dtype) {
  const auto row = static_cast<std::size_t>(dtype);
  return row < kRows.size() ? kRows[row].type : std::nullopt;
}

at::ScalarType ToScalarType(Dtype dtype) {
  if (const auto type = FindScalarType(dtype)) return *type;
  const auto number = static_cast<std::size_t>(dtype);
  throw std::invalid_argument(number < kRows.size() ? "this LibTorch has no dtype " + std::string(Name(dtype))
                                                    : "there is no dtype number " + std::to_string(number));
}

std::optional<Dtype> FromScalarType(at::ScalarType type) {
  for (const Row& row : kRows) {
    if (row.type == type) return row.dtype;
  }
  return std::nullopt;
}

}  // namespace loadpath
