#include "harness/inspect/numbers.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace loadpath {
namespace {

template <class T>
T As(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// A binary floating-point format of at most 16 bits.
struct SmallFloat {
  int exponent_bits, mantissa_bits, bias;
  enum { kIeee, kOnlyNan /* no infinities, all ones is NaN */, kUnsignedZero /* NaN is the negative zero */ } special;
};

double Decode(std::uint32_t bits, SmallFloat format) {
  const int width = 1 + format.exponent_bits + format.mantissa_bits;
  const bool negative = bits >> (width - 1) & 1;
  const std::uint32_t exponent = bits >> format.mantissa_bits & ((1u << format.exponent_bits) - 1);
  const std::uint32_t mantissa = bits & ((1u << format.mantissa_bits) - 1);
  const std::uint32_t all_ones = (1u << format.exponent_bits) - 1;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (format.special == SmallFloat::kUnsignedZero && negative && exponent == 0 && mantissa == 0) return kNan;
  if (format.special == SmallFloat::kIeee && exponent == all_ones) {
    return mantissa ? kNan : negative ? -INFINITY : INFINITY;
  }
  if (format.special == SmallFloat::kOnlyNan && exponent == all_ones && mantissa == (1u << format.mantissa_bits) - 1) {
    return kNan;
  }
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, 1 - format.bias - format.mantissa_bits)
                                         : std::ldexp(mantissa + (1u << format.mantissa_bits),
                                                      static_cast<int>(exponent) - format.bias - format.mantissa_bits);
  return negative ? -magnitude : magnitude;
}

constexpr SmallFloat kHalf{5, 10, 15, SmallFloat::kIeee};

float Bfloat16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

}  // namespace

NumberClass ClassOf(Dtype dtype) {
  switch (dtype) {
    case Dtype::kBool:
      return NumberClass::kBool;
    case Dtype::kUint8:
    case Dtype::kInt8:
    case Dtype::kInt16:
    case Dtype::kInt32:
    case Dtype::kInt64:
    case Dtype::kUint16:
    case Dtype::kUint32:
    case Dtype::kUint64:
      return NumberClass::kInteger;
    case Dtype::kComplex32:
    case Dtype::kBcomplex32:
    case Dtype::kComplex64:
    case Dtype::kComplex128:
      return NumberClass::kComplex;
    case Dtype::kFloat4E2m1fnX2:
      return NumberClass::kPacked;
    default:
      return NumberClass::kFloat;
  }
}

Number ElementAt(const std::byte* at, Dtype dtype) {
  const auto byte = std::to_integer<std::uint32_t>(*at);
  switch (dtype) {
    case Dtype::kBool:
      return {byte != 0 ? 1.0L : 0.0L};
    case Dtype::kUint8:
      return {static_cast<long double>(byte)};
    case Dtype::kInt8:
      return {static_cast<long double>(As<std::int8_t>(at))};
    case Dtype::kInt16:
      return {static_cast<long double>(As<std::int16_t>(at))};
    case Dtype::kInt32:
      return {static_cast<long double>(As<std::int32_t>(at))};
    case Dtype::kInt64:
      return {static_cast<long double>(As<std::int64_t>(at))};
    case Dtype::kUint16:
      return {static_cast<long double>(As<std::uint16_t>(at))};
    case Dtype::kUint32:
      return {static_cast<long double>(As<std::uint32_t>(at))};
    case Dtype::kUint64:
      return {static_cast<long double>(As<std::uint64_t>(at))};
    case Dtype::kFloat16:
      return {Decode(As<std::uint16_t>(at), kHalf)};
    case Dtype::kBfloat16:
      return {Bfloat16(As<std::uint16_t>(at))};
    case Dtype::kFloat32:
      return {As<float>(at)};
    case Dtype::kFloat64:
      return {As<double>(at)};
    case Dtype::kComplex32:
      return {Decode(As<std::uint16_t>(at), kHalf), Decode(As<std::uint16_t>(at + 2), kHalf)};
    case Dtype::kBcomplex32:
      return {Bfloat16(As<std::uint16_t>(at)), Bfloat16(As<std::uint16_t>(at + 2))};
    case Dtype::kComplex64:
      return {As<float>(at), As<float>(at + 4)};
    case Dtype::kComplex128:
      return {As<double>(at), As<double>(at + 8)};
    case Dtype::kFloat8E4m3fn:
      return {Decode(byte, {4, 3, 7, SmallFloat::kOnlyNan})};
    case Dtype::kFloat8E4m3fnuz:
      return {Decode(byte, {4, 3, 8, SmallFloat::kUnsignedZero})};
    case Dtype::kFloat8E5m2:
      return {Decode(byte, {5, 2, 15, SmallFloat::kIeee})};
    case Dtype::kFloat8E5m2fnuz:
      return {Decode(byte, {5, 2, 16, SmallFloat::kUnsignedZero})};
    case Dtype::kFloat8E8m0fnu:
      return {byte == 0xff ? std::numeric_limits<double>::quiet_NaN() : std::ldexp(1.0, static_cast<int>(byte) - 127)};
    case Dtype::kFloat4E2m1fnX2:
      return {static_cast<long double>(byte)};
  }
  return {};
}

}  // namespace loadpath
