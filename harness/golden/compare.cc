#include "harness/golden/compare.h"

#include <ATen/Functions.h>
#include <c10/core/ScalarType.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace loadpath {
namespace {

// Turns a flat row-major index into one number per dimension.
std::vector<std::int64_t> Unravel(std::int64_t flat, at::IntArrayRef shape) {
  std::vector<std::int64_t> index(shape.size());
  for (std::size_t i = shape.size(); i-- > 0;) {
    index[i] = flat % shape[i];
    flat /= shape[i];
  }
  return index;
}

std::string Text(at::IntArrayRef index) {
  std::ostringstream out;
  out << '(';
  for (std::size_t i = 0; i < index.size(); ++i) out << (i ? ", " : "") << index[i];
  out << (index.size() == 1 ? ",)" : ")");
  return out.str();
}

// Converts to a type that can be subtracted. Every float, complex and short integer type converts without loss.
at::Tensor Wide(const at::Tensor& tensor) {
  return tensor.to(at::isComplexType(tensor.scalar_type()) ? at::kComplexDouble : at::kDouble);
}

at::Tensor SameValue(const at::Tensor& a, const at::Tensor& b) {
  // 64-bit integers do not fit a double; every integer type maps onto int64 one to one.
  if (at::isIntegralType(a.scalar_type(), /*includeBool=*/true)) return a.to(at::kLong) == b.to(at::kLong);
  return Wide(a) == Wide(b);
}

std::string Element(const at::Tensor& tensor, std::int64_t flat) {
  const at::Tensor element = tensor.reshape(-1)[flat];
  std::ostringstream out;
  out.precision(9);
  if (at::isIntegralType(tensor.scalar_type(), true)) {
    out << element.to(at::kLong).item<std::int64_t>();
  } else if (at::isComplexType(tensor.scalar_type())) {
    out << Wide(element).item<c10::complex<double>>();
  } else {
    out << Wide(element).item<double>();
  }
  return out.str();
}

}  // namespace

Tolerance DefaultTolerance(at::ScalarType type) {
  switch (type) {
    case at::kHalf:
    case at::kComplexHalf:
      return {1e-3, 1e-5};
    case at::kBFloat16:
      return {1.6e-2, 1e-5};
    case at::kFloat:
    case at::kComplexFloat:
    case at::kQUInt8:
    case at::kQUInt2x4:
    case at::kQUInt4x2:
    case at::kQInt8:
    case at::kQInt32:
      return {1.3e-6, 1e-5};
    case at::kDouble:
    case at::kComplexDouble:
      return {1e-7, 1e-7};
    default:
      return {0, 0};
  }
}

Comparison Compare(const at::Tensor& actual, const at::Tensor& expected, Tolerance tolerance) {
  Comparison result;
  result.total = expected.numel();
  std::ostringstream sentence;
  sentence.precision(3);
  if (actual.sizes() != expected.sizes()) {
    sentence << "shape " << Text(actual.sizes()) << ", expected " << Text(expected.sizes());
  } else if (actual.scalar_type() != expected.scalar_type()) {
    sentence << "dtype " << actual.scalar_type() << ", expected " << expected.scalar_type();
  }
  if (!sentence.str().empty()) {
    result.mismatched = result.total;
    result.sentence = sentence.str();
    return result;
  }
  if (result.total == 0) {
    result.equal = true;
    result.sentence = "no elements";
    return result;
  }

  const at::Tensor a = actual.detach().cpu().reshape(-1), e = expected.detach().cpu().reshape(-1);
  const at::Tensor same = SameValue(a, e);
  at::Tensor difference = (Wide(a) - Wide(e)).abs();
  difference.masked_fill_(same, 0.0);  // inf - inf
  at::Tensor close = same;
  if (tolerance.rtol > 0 || tolerance.atol > 0) {
    close = same | (at::isfinite(difference) & (difference <= tolerance.atol + tolerance.rtol * Wide(e).abs()));
  }
  result.mismatched = result.total - close.sum().item<std::int64_t>();
  result.equal = result.mismatched == 0;

  // As in assert_close: if elements differ, the greatest difference is one of theirs, and NaN is the greatest.
  if (!result.equal) difference.masked_fill_(close, 0.0);
  std::int64_t at = difference.argmax().item<std::int64_t>();
  if (!result.equal && close[at].item<bool>()) at = at::logical_not(close).to(at::kByte).argmax().item<std::int64_t>();
  const at::Tensor relative = at::where(difference == 0, difference, difference / Wide(e).abs());
  result.greatest_absolute = difference[at].item<double>();
  result.greatest_relative = relative.max().item<double>();
  result.where = Unravel(at, expected.sizes());

  if (result.equal && result.greatest_absolute == 0) {
    sentence << "no difference";
  } else {
    if (!result.equal) sentence << result.mismatched << " of " << result.total << " elements differ: ";
    sentence << "largest difference " << result.greatest_absolute << " at " << Text(result.where);
    if (!result.equal) sentence << " (" << Element(a, at) << ", expected " << Element(e, at) << ")";
    sentence << ", allowed " << tolerance.atol << " + " << tolerance.rtol << " * |expected|";
  }
  result.sentence = sentence.str();
  return result;
}

}  // namespace loadpath
