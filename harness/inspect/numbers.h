#ifndef LOADPATH_HARNESS_INSPECT_NUMBERS_H_
#define LOADPATH_HARNESS_INSPECT_NUMBERS_H_

#include <cstddef>
#include <cstdint>

#include "loadpath/dtype.h"

namespace loadpath {

/// How the numbers of a dtype are written and compared.
enum class NumberClass : std::uint8_t { kBool, kInteger, kFloat, kComplex, kPacked /* two in a byte */ };
NumberClass ClassOf(Dtype dtype);

/// One element, exact if long double has 64 bits of mantissa (x86-64, AArch64). `imag` is 0 unless the dtype is
/// complex. For a packed dtype `real` is the byte.
struct Number {
  long double real = 0, imag = 0;
};
Number ElementAt(const std::byte* at, Dtype dtype);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_NUMBERS_H_
