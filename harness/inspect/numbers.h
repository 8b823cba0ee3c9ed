#ifndef LOADPATH_HARNESS_INSPECT_NUMBERS_H_
#define LOADPATH_HARNESS_INSPECT_NUMBERS_H_

#include <cstddef>
#include <cstdint>

#include "harness/checkpoint/dtype.h"

namespace loadpath::ckpt {

/// How numbers of a dtype are written and compared.
enum class NumberClass : std::uint8_t { kBool, kInteger, kFloat, kComplex, kPacked /* two in a byte */ };
NumberClass ClassOf(Dtype dtype);

/// One element, exactly where long double has 64 bits of mantissa (x86-64, AArch64). `imag` is 0 but for complex
/// dtypes; packed ones give the byte.
struct Number {
  long double real = 0, imag = 0;
};
Number ElementAt(const std::byte* element, Dtype dtype);

}  // namespace loadpath::ckpt

#endif  // LOADPATH_HARNESS_INSPECT_NUMBERS_H_
