#include "loadpath/dtype.h"

#include <array>

namespace loadpath {
namespace {

// In the order of the enum: Info() indexes it.
constexpr std::array kDtypes = {
    DtypeInfo{Dtype::kBool, "bool", 1, 1},
    DtypeInfo{Dtype::kUint8, "uint8", 1, 1},
    DtypeInfo{Dtype::kInt8, "int8", 1, 1},
    DtypeInfo{Dtype::kInt16, "int16", 2, 2},
    DtypeInfo{Dtype::kInt32, "int32", 4, 4},
    DtypeInfo{Dtype::kInt64, "int64", 8, 8},
    DtypeInfo{Dtype::kUint16, "uint16", 2, 2},
    DtypeInfo{Dtype::kUint32, "uint32", 4, 4},
    DtypeInfo{Dtype::kUint64, "uint64", 8, 8},
    DtypeInfo{Dtype::kFloat16, "float16", 2, 2},
    DtypeInfo{Dtype::kBfloat16, "bfloat16", 2, 2},
    DtypeInfo{Dtype::kFloat32, "float32", 4, 4},
    DtypeInfo{Dtype::kFloat64, "float64", 8, 8},
    DtypeInfo{Dtype::kComplex32, "complex32", 4, 2},
    DtypeInfo{Dtype::kComplex64, "complex64", 8, 4},
    DtypeInfo{Dtype::kComplex128, "complex128", 16, 8},
    DtypeInfo{Dtype::kFloat8E4m3fn, "float8_e4m3fn", 1, 1},
    DtypeInfo{Dtype::kFloat8E4m3fnuz, "float8_e4m3fnuz", 1, 1},
    DtypeInfo{Dtype::kFloat8E5m2, "float8_e5m2", 1, 1},
    DtypeInfo{Dtype::kFloat8E5m2fnuz, "float8_e5m2fnuz", 1, 1},
    DtypeInfo{Dtype::kFloat8E8m0fnu, "float8_e8m0fnu", 1, 1},
    DtypeInfo{Dtype::kFloat4E2m1fnX2, "float4_e2m1fn_x2", 1, 1},
    DtypeInfo{Dtype::kBcomplex32, "bcomplex32", 4, 2},
};

}  // namespace

const DtypeInfo& Info(Dtype dtype) { return kDtypes[static_cast<std::size_t>(dtype)]; }

std::optional<Dtype> DtypeByName(std::string_view name) {
  if (name.starts_with("torch.")) name.remove_prefix(6);
  for (const DtypeInfo& info : kDtypes) {
    if (info.name == name) return info.dtype;
  }
  return std::nullopt;
}

}  // namespace loadpath
