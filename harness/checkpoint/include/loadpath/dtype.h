#ifndef LOADPATH_DTYPE_H_
#define LOADPATH_DTYPE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace loadpath {

/// Every dense dtype of PyTorch 2.15, by PyTorch's names (torch.float8_e4m3fn is kFloat8E4m3fn).
enum class Dtype : std::uint8_t {
  kBool,
  kUint8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint16,
  kUint32,
  kUint64,
  kFloat16,
  kBfloat16,
  kFloat32,
  kFloat64,
  kComplex32,
  kComplex64,
  kComplex128,
  kFloat8E4m3fn,
  kFloat8E4m3fnuz,
  kFloat8E5m2,
  kFloat8E5m2fnuz,
  kFloat8E8m0fnu,
  kFloat4E2m1fnX2,
  kBcomplex32,
};

struct DtypeInfo {
  Dtype dtype;
  std::string_view name;   ///< without "torch.": "float32"
  std::uint8_t itemsize;   ///< bytes of one element
  std::uint8_t swap_unit;  ///< bytes that reverse together between byte orders: 4 in complex64
};

const DtypeInfo& Info(Dtype dtype);
inline std::string_view Name(Dtype dtype) { return Info(dtype).name; }
inline std::uint64_t ItemSize(Dtype dtype) { return Info(dtype).itemsize; }

/// Returns the dtype by PyTorch's name, with or without "torch.".
std::optional<Dtype> DtypeByName(std::string_view name);

}  // namespace loadpath

#endif  // LOADPATH_DTYPE_H_
