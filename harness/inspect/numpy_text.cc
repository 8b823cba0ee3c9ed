#include "harness/inspect/numpy_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <string_view>
#include <vector>

#include "harness/base/text.h"
#include "harness/inspect/numbers.h"

namespace loadpath {
namespace {

// What numpy.dtype's pickle says: the type code ("f8") and the byte order ("<", ">", "=" or "|").
struct NumpyDtype {
  std::string_view code, order;
};

struct NumpyArray {
  NumpyDtype dtype;
  std::vector<std::int64_t> shape;  // empty for a scalar
  bool column_major = false;
  std::string_view bytes;
};

constexpr std::array<std::pair<std::string_view, Dtype>, 14> kNumbers = {{
    {"b1", Dtype::kBool},
    {"u1", Dtype::kUint8},
    {"u2", Dtype::kUint16},
    {"u4", Dtype::kUint32},
    {"u8", Dtype::kUint64},
    {"i1", Dtype::kInt8},
    {"i2", Dtype::kInt16},
    {"i4", Dtype::kInt32},
    {"i8", Dtype::kInt64},
    {"f2", Dtype::kFloat16},
    {"f4", Dtype::kFloat32},
    {"f8", Dtype::kFloat64},
    {"c8", Dtype::kComplex64},
    {"c16", Dtype::kComplex128},
}};

bool IsCall(const Tree& tree, NodeId id, std::string_view function) {
  if (tree.kind(id) != NodeKind::kObject) return false;
  // numpy 2 renamed numpy.core to numpy._core.
  const std::string_view name = tree.text(id);
  return (name.starts_with("numpy.core.") && name.substr(11) == function) ||
         (name.starts_with("numpy._core.") && name.substr(12) == function);
}

bool IsBytes(const Tree& tree, NodeId id) {
  return tree.kind(id) == NodeKind::kBytes || tree.kind(id) == NodeKind::kByteArray;
}

std::optional<NumpyDtype> DtypeAt(const Tree& tree, NodeId id) {
  if (tree.kind(id) != NodeKind::kObject || tree.text(id) != "numpy.dtype") return std::nullopt;
  const std::span<const NodeId> args = tree.items(id);
  if (args.empty() || tree.kind(args[0]) != NodeKind::kString) return std::nullopt;
  NumpyDtype dtype{tree.text(args[0]), "|"};
  const NodeId state = tree.attributes(id);
  if (state == kNoNode || !tree.IsSequence(state)) return dtype;
  const std::span<const NodeId> fields = tree.items(state);
  if (fields.size() > 1 && tree.kind(fields[1]) == NodeKind::kString) dtype.order = tree.text(fields[1]);
  return dtype;
}

std::optional<std::vector<std::int64_t>> ShapeAt(const Tree& tree, NodeId id) {
  if (!tree.IsSequence(id)) return std::nullopt;
  std::vector<std::int64_t> shape;
  for (const NodeId item : tree.items(id)) {
    if (tree.kind(item) != NodeKind::kInt || tree.integer(item) < 0) return std::nullopt;
    shape.push_back(tree.integer(item));
  }
  return shape;
}

std::optional<NumpyArray> ArrayAt(const Tree& tree, NodeId id) {
  if (IsCall(tree, id, "multiarray.scalar")) {
    const std::span<const NodeId> args = tree.items(id);
    if (args.size() != 2 || !IsBytes(tree, args[1])) return std::nullopt;
    const std::optional<NumpyDtype> dtype = DtypeAt(tree, args[0]);
    if (!dtype) return std::nullopt;
    return NumpyArray{*dtype, {}, false, tree.text(args[1])};
  }
  // ndarray.__reduce__: _reconstruct(…), then BUILD with (version, shape, dtype, is it column-major, bytes or list).
  const NodeId state = IsCall(tree, id, "multiarray._reconstruct") ? tree.attributes(id) : kNoNode;
  if (state == kNoNode || !tree.IsSequence(state) || tree.items(state).size() != 5) return std::nullopt;
  const std::span<const NodeId> fields = tree.items(state);
  const std::optional<NumpyDtype> dtype = DtypeAt(tree, fields[2]);
  std::optional<std::vector<std::int64_t>> shape = ShapeAt(tree, fields[1]);
  if (!dtype || !shape || tree.kind(fields[3]) != NodeKind::kBool) return std::nullopt;
  return NumpyArray{*dtype, std::move(*shape), tree.boolean(fields[3]),
                    IsBytes(tree, fields[4]) ? tree.text(fields[4]) : std::string_view()};
}

// The number of elements, or nullopt if the bytes are not those of so many.
std::optional<std::uint64_t> CountElements(const NumpyArray& array, std::uint64_t item_size) {
  std::uint64_t count = array.bytes.size() / item_size;
  if (count * item_size != array.bytes.size()) return std::nullopt;
  std::uint64_t product = 1;
  if (std::ranges::find(array.shape, 0) != array.shape.end()) product = 0;
  for (const std::int64_t size : array.shape) {
    if (product == 0) break;
    if (static_cast<std::uint64_t>(size) > count / product) return std::nullopt;
    product *= static_cast<std::uint64_t>(size);
  }
  return product == count ? std::optional(count) : std::nullopt;
}

// Where the element number `index` in row-major order lies in a column-major array.
std::uint64_t InColumnMajor(std::uint64_t index, std::span<const std::int64_t> shape) {
  std::uint64_t position = 0, stride = 1;
  std::vector<std::uint64_t> at(shape.size());
  for (std::size_t d = shape.size(); d-- > 0; index /= static_cast<std::uint64_t>(shape[d])) {
    at[d] = index % static_cast<std::uint64_t>(shape[d]);
  }
  for (std::size_t d = 0; d < shape.size(); stride *= static_cast<std::uint64_t>(shape[d++]))
    position += at[d] * stride;
  return position;
}

// The shortest digits that are nearer to the float16 `value` than to any other.
std::string HalfText(double value) {
  char digits[32];
  char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  if (value == 0 || !std::isfinite(value)) return {digits, end};
  const double size = std::abs(value);
  const int exponent = std::max(std::ilogb(size), -14);
  const double step = std::ldexp(1.0, exponent - 10);
  // Below a power of two the values lie twice as close.
  const double below = size == std::ldexp(1.0, exponent) && exponent > -14 ? step / 2 : step;
  for (int precision = 1; precision <= 5; ++precision) {
    end = std::to_chars(digits, digits + sizeof digits, size, std::chars_format::scientific, precision - 1).ptr;
    double read = 0;
    std::from_chars(digits, end, read);
    if (read - size >= step / 2 || size - read >= below / 2) continue;
    end = std::to_chars(digits, digits + sizeof digits, std::copysign(read, value)).ptr;
    break;
  }
  return {digits, end};
}

// The shortest digits that read back as the same value of the dtype.
std::string RealText(long double value, Dtype dtype) {
  if (ClassOf(dtype) == NumberClass::kInteger) {
    if (value < 0) return std::to_string(static_cast<std::int64_t>(value));
    return std::to_string(static_cast<std::uint64_t>(value));
  }
  if (dtype == Dtype::kFloat16) return HalfText(static_cast<double>(value));
  char digits[32];
  const bool narrow = dtype == Dtype::kFloat32 || dtype == Dtype::kComplex64;
  const auto end = narrow ? std::to_chars(digits, digits + sizeof digits, static_cast<float>(value)).ptr
                          : std::to_chars(digits, digits + sizeof digits, static_cast<double>(value)).ptr;
  return {digits, end};
}

std::string ElementText(std::string bytes, Dtype dtype, bool big_endian) {
  const NumberClass kind = ClassOf(dtype);
  if (big_endian) {
    const std::size_t unit = Info(dtype).swap_unit;
    for (std::size_t i = 0; i < bytes.size(); i += unit)
      std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                   bytes.begin() + static_cast<std::ptrdiff_t>(i + unit));
  }
  const Number number = ElementAt(reinterpret_cast<const std::byte*>(bytes.data()), dtype);
  if (kind == NumberClass::kBool) return number.real != 0 ? "True" : "False";
  if (kind != NumberClass::kComplex) return RealText(number.real, dtype);
  const std::string imaginary = RealText(number.imag, dtype);
  return RealText(number.real, dtype) + (imaginary[0] == '-' ? "" : "+") + imaginary + "j";
}

const auto* KnownDtype(const NumpyArray& array) {
  return std::ranges::find(kNumbers, array.dtype.code, &std::pair<std::string_view, Dtype>::first);
}

}  // namespace

bool IsNumpyOfNumbers(const Tree& tree, NodeId id) {
  const std::optional<NumpyArray> array = ArrayAt(tree, id);
  return array && KnownDtype(*array) != kNumbers.end();
}

std::uint64_t NumpyBytes(const Tree& tree, NodeId id) {
  const std::optional<NumpyArray> array = ArrayAt(tree, id);
  return array ? array->bytes.size() : 0;
}

std::optional<std::string> NumpyText(const Tree& tree, NodeId id, std::size_t most) {
  const std::optional<NumpyArray> array = ArrayAt(tree, id);
  if (!array) return std::nullopt;
  const std::string shape = Brackets(array->shape);
  const auto* const known = KnownDtype(*array);
  if (known == kNumbers.end()) {
    const std::string order = array->dtype.order == "|" ? "" : std::string(array->dtype.order);
    return "numpy " + (array->dtype.code == "O8" ? "object" : Escaped(order + std::string(array->dtype.code))) + " " +
           shape;
  }
  const Dtype dtype = known->second;
  const std::uint64_t size = ItemSize(dtype);
  const std::optional<std::uint64_t> count = CountElements(*array, size);
  if (!count) return std::nullopt;
  std::string text = "numpy " + std::string(Name(dtype)) + " " + shape + (*count > 0 ? ": " : "");
  const std::uint64_t shown = std::min<std::uint64_t>(*count, most);
  for (std::uint64_t i = 0; i < shown; ++i) {
    const std::uint64_t at = array->column_major ? InColumnMajor(i, array->shape) : i;
    text += (i == 0 ? "" : ", ") +
            ElementText(std::string(array->bytes.substr(at * size, size)), dtype, array->dtype.order == ">");
  }
  return text + (shown < *count ? ", … " + std::to_string(*count) + " in all" : "");
}

}  // namespace loadpath
