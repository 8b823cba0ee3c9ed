#include "harness/diff/tensor_difference.h"

#include <cmath>
#include <cstring>

#include "harness/inspect/numbers.h"

namespace loadpath {
namespace {

long double Distance(const Number& a, const Number& b) { return std::hypot(a.real - b.real, a.imag - b.imag); }

bool IsNan(const Number& number) { return std::isnan(number.real) || std::isnan(number.imag); }
bool IsInfinite(const Number& number) { return std::isinf(number.real) || std::isinf(number.imag); }

// Of an infinite number, every other one is infinitely far away. NaN if either is NaN, or both are 0.
long double Relative(const Number& wanted, const Number& have) {
  const long double distance = Distance(wanted, have);
  return IsInfinite(wanted) ? distance : distance / std::hypot(wanted.real, wanted.imag);
}

bool Close(const Number& wanted, const Number& have, const Tolerance& tolerance) {
  if (IsNan(wanted) || IsNan(have)) return IsNan(wanted) && IsNan(have);
  if (wanted.real == have.real && wanted.imag == have.imag) return true;
  if (IsInfinite(wanted) || IsInfinite(have)) return false;
  return Distance(wanted, have) <= tolerance.atol + tolerance.rtol * std::hypot(wanted.real, wanted.imag);
}

std::vector<std::int64_t> IndexOf(std::uint64_t position, std::span<const std::int64_t> shape) {
  std::vector<std::int64_t> index(shape.size());
  for (std::size_t d = shape.size(); d-- > 0; position /= static_cast<std::uint64_t>(shape[d])) {
    index[d] = static_cast<std::int64_t>(position % static_cast<std::uint64_t>(shape[d]));
  }
  return index;
}

}  // namespace

TensorDifference MeasureDifference(std::span<const std::byte> wanted, std::span<const std::byte> have, Dtype dtype,
                                   std::span<const std::int64_t> shape, const std::optional<Tolerance>& tolerance) {
  const std::size_t size = ItemSize(dtype);
  const NumberClass kind = ClassOf(dtype);
  const bool tolerant = tolerance && kind != NumberClass::kPacked;
  TensorDifference difference;
  difference.elements = wanted.size() / size;
  std::uint64_t largest_at = 0, relative_at = 0;
  for (std::uint64_t i = 0; i < difference.elements; ++i) {
    const std::byte* a = wanted.data() + i * size;
    const std::byte* b = have.data() + i * size;
    if (std::memcmp(a, b, size) == 0) continue;
    const Number x = ElementAt(a, dtype), y = ElementAt(b, dtype);
    if (tolerant && Close(x, y, *tolerance)) continue;
    if (difference.differing++ == 0) difference.first = static_cast<std::int64_t>(i), largest_at = relative_at = i;
    difference.nan += IsNan(x) != IsNan(y);
    const auto distance = static_cast<double>(Distance(x, y));
    if (distance > difference.largest) difference.largest = distance, largest_at = i;
    const auto relative = static_cast<double>(Relative(x, y));
    if (relative > difference.relative) difference.relative = relative, relative_at = i;
  }
  if (difference.differing > 0) {
    difference.largest_at = IndexOf(largest_at, shape);
    difference.relative_at = IndexOf(relative_at, shape);
  }
  return difference;
}

}  // namespace loadpath
